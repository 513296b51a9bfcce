# Gauss1: two well separated Gaussian peaks on a decaying baseline, with noise of variance 6.25.
# One of NIST's reference data sets for nonlinear regression (lower difficulty).
model Gauss1

dim N
input y, x: real[N]
param b1: real = 94
param b2: real = 0.0105
param b3: real = 99
param b4: real = 63
param b5: real = 25
param b6: real = 71
param b7: real = 180
param b8: real = 20

baseline = b1 * exp(-b2 * x)
peak1 = b3 * exp(-(x - b4)**2 / b5**2)
peak2 = b6 * exp(-(x - b7)**2 / b8**2)
output y_hat = baseline + peak1 + peak2
loss RSS = sum((y - y_hat)**2)
