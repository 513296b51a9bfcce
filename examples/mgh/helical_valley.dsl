# The helical valley, 0 at (1, 0, 0). Problem 7 of Moré, Garbow and Hillstrom (1981).
model helical_valley

param x1: real = -1
param x2: real = 0
param x3: real = 0

theta = arctan(x2 / x1) / (2 * pi) + (0.5 if x1 < 0 else 0)   # in turns
r1 = 10 * (x3 - 10 * theta)
r2 = 10 * (sqrt(x1**2 + x2**2) - 1)
r3 = x3
loss f = r1**2 + r2**2 + r3**2
