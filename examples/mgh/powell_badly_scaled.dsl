# Powell's badly scaled function, 0 near (1.098e-5, 9.106). Problem 3 of Moré, Garbow and Hillstrom (1981).
model powell_badly_scaled

param x1: real = 0
param x2: real = 1

r1 = 1e4 * x1 * x2 - 1
r2 = exp(-x1) + exp(-x2) - 1.0001
loss f = r1**2 + r2**2
