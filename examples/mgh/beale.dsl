# Beale's function, 0 at (3, 0.5). Problem 5 of Moré, Garbow and Hillstrom (1981).
model beale

const y = [1.5, 2.25, 2.625]
param x1: real = 1
param x2: real = 1

r = y - x1 * (1 - x2**arange(1, 4))
loss f = sum(r**2)
