# BoxBOD: biochemical oxygen demand: x is the incubation time in days, y the demand in mg/l.
# One of NIST's reference data sets for nonlinear regression (higher difficulty).
model BoxBOD

dim N
input y, x: real[N]
param b1: real = 100
param b2: real = 0.75

output y_hat = b1 * (1 - exp(-b2 * x))
loss RSS = sum((y - y_hat)**2)
