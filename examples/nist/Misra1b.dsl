# Misra1b: monomolecular adsorption in dentistry: x is the pressure, y the volume adsorbed.
# One of NIST's reference data sets for nonlinear regression (lower difficulty).
model Misra1b

dim N
input y, x: real[N]
param b1: real = 300
param b2: real = 0.0002

output y_hat = b1 * (1 - (1 + b2 * x / 2)**(-2))
loss RSS = sum((y - y_hat)**2)
