# Watson's function: a polynomial of degree n - 1 that solves p' - p**2 = 1, p(0) = 0 on [0, 1].
# Problem 20 of Moré, Garbow and Hillstrom (1981); n = 6 there, and n = 9 with -D n=9.
model watson

dim n = 6
param x: real[n] = zeros()

t = arange(1, 30) / 29
powers = t[:, None]**arange(n)                                # t_i**(j-1) in row i, column j
p = powers @ x
slope = powers[:, :-1] @ (arange(1, n) * x[1:])
r = slope - p**2 - 1
loss f = sum(r**2) + x[0]**2 + (x[1] - x[0]**2 - 1)**2
