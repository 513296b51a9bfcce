# Box's three-dimensional function, 0 at (1, 10, 1), at (10, 1, -1) and wherever x1 = x2, x3 = 0.
# Problem 12 of Moré, Garbow and Hillstrom (1981).
model box3d

param x1: real = 0
param x2: real = 10
param x3: real = 20

t = 0.1 * arange(1, 11)
r = exp(-t * x1) - exp(-t * x2) - x3 * (exp(-t) - exp(-10 * t))
loss f = sum(r**2)
