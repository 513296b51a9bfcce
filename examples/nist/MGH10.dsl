# MGH10: the Meyer problem, from starting points of its own: parameters of very
# unequal sizes in a curved valley.
# One of NIST's reference data sets for nonlinear regression (higher difficulty).
model MGH10

dim N
input y, x: real[N]
param b1: real = 0.02
param b2: real = 4000
param b3: real = 250

output y_hat = b1 * exp(b2 / (x + b3))
loss RSS = sum((y - y_hat)**2)
