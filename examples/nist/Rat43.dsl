# Rat43: growth of onions: x is the time, y the dry weight. Richards' curve,
# a logistic to a learned power.
# One of NIST's reference data sets for nonlinear regression (higher difficulty).
model Rat43

dim N
input y, x: real[N]
param b1: real = 700
param b2: real = 5
param b3: real = 0.75
param b4: real = 1.3

output y_hat = b1 / (1 + exp(b2 - b3 * x))**(1 / b4)
loss RSS = sum((y - y_hat)**2)
