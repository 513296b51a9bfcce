# Chwirut2: an ultrasonic reference block, the smaller of two data sets:
# x is the distance in metal, y the response.
# One of NIST's reference data sets for nonlinear regression (lower difficulty).
model Chwirut2

dim N
input y, x: real[N]
param b1: real = 0.15
param b2: real = 0.008
param b3: real = 0.01

output y_hat = exp(-b1 * x) / (b2 + b3 * x)
loss RSS = sum((y - y_hat)**2)
