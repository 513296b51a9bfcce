# Wood's function, 0 at (1, 1, 1, 1). Problem 14 of Moré, Garbow and Hillstrom (1981).
model wood

param x1: real = -3
param x2: real = -1
param x3: real = -3
param x4: real = -1

r1 = 10 * (x2 - x1**2)
r2 = 1 - x1
r3 = sqrt(90) * (x4 - x3**2)
r4 = 1 - x3
r5 = sqrt(10) * (x2 + x4 - 2)
r6 = (x2 - x4) / sqrt(10)
loss f = r1**2 + r2**2 + r3**2 + r4**2 + r5**2 + r6**2
