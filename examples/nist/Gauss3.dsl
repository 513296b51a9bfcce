# Gauss3: two strongly blended Gaussian peaks on a decaying baseline, with noise of variance 6.25.
# One of NIST's reference data sets for nonlinear regression (average difficulty).
model Gauss3

dim N
input y, x: real[N]
param b1: real = 96
param b2: real = 0.0096
param b3: real = 80
param b4: real = 110
param b5: real = 25
param b6: real = 74
param b7: real = 139
param b8: real = 25

baseline = b1 * exp(-b2 * x)
peak1 = b3 * exp(-(x - b4)**2 / b5**2)
peak2 = b6 * exp(-(x - b7)**2 / b8**2)
output y_hat = baseline + peak1 + peak2
loss RSS = sum((y - y_hat)**2)
