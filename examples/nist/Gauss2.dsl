# Gauss2: two slightly blended Gaussian peaks on a decaying baseline, with noise of variance 6.25.
# One of NIST's reference data sets for nonlinear regression (lower difficulty).
model Gauss2

dim N
input y, x: real[N]
param b1: real = 98
param b2: real = 0.0105
param b3: real = 103
param b4: real = 105
param b5: real = 20
param b6: real = 73
param b7: real = 150
param b8: real = 20

baseline = b1 * exp(-b2 * x)
peak1 = b3 * exp(-(x - b4)**2 / b5**2)
peak2 = b6 * exp(-(x - b7)**2 / b8**2)
output y_hat = baseline + peak1 + peak2
loss RSS = sum((y - y_hat)**2)
