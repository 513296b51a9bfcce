# Bennett5: magnetisation of a superconductor: x is the log of time, y the magnetism.
# b2 + x has to stay positive: it is raised to a real power.
# One of NIST's reference data sets for nonlinear regression (higher difficulty).
model Bennett5

dim N
input y, x: real[N]
param b1: real = -1500
param b2: real = 45
param b3: real = 0.85

output y_hat = b1 * (b2 + x)**(-1 / b3)
loss RSS = sum((y - y_hat)**2)
