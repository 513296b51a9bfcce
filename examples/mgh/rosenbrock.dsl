# Rosenbrock's banana: a curved valley, 0 at (1, 1). Problem 1 of Moré, Garbow and Hillstrom (1981).
model rosenbrock

param x1: real = -1.2
param x2: real = 1

r1 = 10 * (x2 - x1**2)
r2 = 1 - x1
loss f = r1**2 + r2**2
