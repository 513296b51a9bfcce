# Misra1a: monomolecular adsorption in dentistry: x is the pressure, y the volume adsorbed.
# One of NIST's reference data sets for nonlinear regression (lower difficulty).
model Misra1a

dim N
input y, x: real[N]
param b1: real = 250
param b2: real = 0.0005

output y_hat = b1 * (1 - exp(-b2 * x))
loss RSS = sum((y - y_hat)**2)
