# DanWood: energy radiated by a carbon filament: x is its temperature in 1000 K.
# The exponent is learned.
# One of NIST's reference data sets for nonlinear regression (lower difficulty).
model DanWood

dim N
input y, x: real[N]
param b1: real = 0.7
param b2: real = 4

output y_hat = b1 * x**b2
loss RSS = sum((y - y_hat)**2)
