# Eckerle4: circular interference transmittance: x is the wavelength, y the transmittance.
# One of NIST's reference data sets for nonlinear regression (higher difficulty).
model Eckerle4

dim N
input y, x: real[N]
param b1: real = 1.5
param b2: real = 5
param b3: real = 450

output y_hat = b1 / b2 * exp(-0.5 * ((x - b3) / b2)**2)
loss RSS = sum((y - y_hat)**2)
