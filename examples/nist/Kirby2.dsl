# Kirby2: line widths under a scanning electron microscope. A ratio of two quadratics.
# One of NIST's reference data sets for nonlinear regression (average difficulty).
model Kirby2

dim N
input y, x: real[N]
param b1: real = 1.5
param b2: real = -0.15
param b3: real = 0.0025
param b4: real = -0.0015
param b5: real = 2e-05

numerator = b1 + b2 * x + b3 * x**2
output y_hat = numerator / (1 + b4 * x + b5 * x**2)
loss RSS = sum((y - y_hat)**2)
