# Kowalik and Osborne's function: a rational model of an enzyme reaction.
# Problem 15 of Moré, Garbow and Hillstrom (1981).
model kowalik_osborne

const y = [0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246]
const u = [4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625]
param x1: real = 0.25
param x2: real = 0.39
param x3: real = 0.415
param x4: real = 0.39

r = y - x1 * (u**2 + u * x2) / (u**2 + u * x3 + x4)
loss f = sum(r**2)
