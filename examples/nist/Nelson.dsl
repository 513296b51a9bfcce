# Nelson: accelerated ageing of an insulator: x1 is the time in weeks, x2 the
# temperature in degrees Celsius, y the breakdown strength in kilovolts, fitted on a log scale.
# One of NIST's reference data sets for nonlinear regression (average difficulty).
model Nelson

dim N
input y: real[N] > 0
input x1, x2: real[N]
param b1: real = 2.5
param b2: real = 5e-09
param b3: real = -0.05

output y_hat = b1 - b2 * x1 * exp(-b3 * x2)
loss RSS = sum((log(y) - y_hat)**2)
