# Broyden's tridiagonal function of any size n: each residual sees its two neighbours, 0 beyond the ends.
# Problem 30 of Moré, Garbow and Hillstrom (1981).
model broyden_tridiagonal

dim n
param x: real[n] = full(-1)

before = pad(x[:-1], (1, 0))
after = pad(x[1:], (0, 1))
r = (3 - 2 * x) * x - before - 2 * after + 1
loss f = sum(r**2)
