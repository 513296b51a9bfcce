# MGH17: the first Osborne problem, from starting points of its own.
# One of NIST's reference data sets for nonlinear regression (average difficulty).
model MGH17

dim N
input y, x: real[N]
param b1: real = 0.5
param b2: real = 1.5
param b3: real = -1
param b4: real = 0.01
param b5: real = 0.02

output y_hat = b1 + b2 * exp(-x * b4) + b3 * exp(-x * b5)
loss RSS = sum((y - y_hat)**2)
