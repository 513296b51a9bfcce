# Lanczos1: a sum of three exponentials, sampled and rounded to 14 digits:
# nearly collinear, hard to tell apart.
# One of NIST's reference data sets for nonlinear regression (average difficulty).
model Lanczos1

dim N
input y, x: real[N]
param b1: real = 0.5
param b2: real = 0.7
param b3: real = 3.6
param b4: real = 4.2
param b5: real = 4
param b6: real = 6.3

output y_hat = b1 * exp(-b2 * x) + b3 * exp(-b4 * x) + b5 * exp(-b6 * x)
loss RSS = sum((y - y_hat)**2)
