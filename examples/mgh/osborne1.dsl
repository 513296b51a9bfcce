# Osborne's first function: two exponentials and a constant.
# Problem 17 of Moré, Garbow and Hillstrom (1981).
model osborne1

const y = [
    0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.85, 0.818, 0.784, 0.751,
    0.718, 0.685, 0.658, 0.628, 0.603, 0.58, 0.558, 0.538, 0.522, 0.506, 0.49,
    0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.42, 0.414, 0.411, 0.406,
]
param x1: real = 0.5
param x2: real = 1.5
param x3: real = -1
param x4: real = 0.01
param x5: real = 0.02

t = 10 * arange(33)
r = y - (x1 + x2 * exp(-t * x4) + x3 * exp(-t * x5))
loss f = sum(r**2)
