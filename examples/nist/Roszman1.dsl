# Roszman1: quantum defects in iodine atoms: x is the energy of the excited state.
# One of NIST's reference data sets for nonlinear regression (average difficulty).
model Roszman1

dim N
input y, x: real[N]
param b1: real = 0.2
param b2: real = -5e-06
param b3: real = 1200
param b4: real = -150

output y_hat = b1 - b2 * x - arctan(b3 / (x - b4)) / pi
loss RSS = sum((y - y_hat)**2)
