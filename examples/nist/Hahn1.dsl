# Hahn1: thermal expansion of copper: x is the temperature in kelvin. A ratio of two cubics.
# One of NIST's reference data sets for nonlinear regression (average difficulty).
model Hahn1

dim N
input y, x: real[N]
param b1: real = 1
param b2: real = -0.1
param b3: real = 0.005
param b4: real = -1e-06
param b5: real = -0.005
param b6: real = 0.0001
param b7: real = -1e-07

numerator = b1 + b2 * x + b3 * x**2 + b4 * x**3
output y_hat = numerator / (1 + b5 * x + b6 * x**2 + b7 * x**3)
loss RSS = sum((y - y_hat)**2)
