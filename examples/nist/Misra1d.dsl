# Misra1d: monomolecular adsorption in dentistry: x is the pressure, y the volume adsorbed.
# One of NIST's reference data sets for nonlinear regression (average difficulty).
model Misra1d

dim N
input y, x: real[N]
param b1: real = 450
param b2: real = 0.0003

output y_hat = b1 * b2 * x * (1 + b2 * x)**(-1)
loss RSS = sum((y - y_hat)**2)
