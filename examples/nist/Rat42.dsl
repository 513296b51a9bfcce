# Rat42: growth of a pasture: x is the time, y the yield. A logistic curve.
# One of NIST's reference data sets for nonlinear regression (higher difficulty).
model Rat42

dim N
input y, x: real[N]
param b1: real = 75
param b2: real = 2.5
param b3: real = 0.07

output y_hat = b1 / (1 + exp(b2 - b3 * x))
loss RSS = sum((y - y_hat)**2)
