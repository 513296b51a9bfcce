# Misra1c: monomolecular adsorption in dentistry: x is the pressure, y the volume adsorbed.
# One of NIST's reference data sets for nonlinear regression (average difficulty).
model Misra1c

dim N
input y, x: real[N]
param b1: real = 600
param b2: real = 0.0002

output y_hat = b1 * (1 - (1 + 2 * b2 * x)**(-0.5))
loss RSS = sum((y - y_hat)**2)
