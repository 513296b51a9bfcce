# ENSO: monthly air pressure between Easter Island and Darwin: a year's cycle and two slower
# ones whose periods, b4 and b7 months, are learned.
# One of NIST's reference data sets for nonlinear regression (average difficulty).
model ENSO

dim N
input y, x: real[N]
param b1: real = 10
param b2: real = 3
param b3: real = 0.5
param b4: real = 44
param b5: real = -1.5
param b6: real = 0.5
param b7: real = 26
param b8: real = -0.1
param b9: real = 1.5

annual = b2 * cos(2 * pi * x / 12) + b3 * sin(2 * pi * x / 12)
slow = b5 * cos(2 * pi * x / b4) + b6 * sin(2 * pi * x / b4)
slower = b8 * cos(2 * pi * x / b7) + b9 * sin(2 * pi * x / b7)
output y_hat = b1 + annual + slow + slower
loss RSS = sum((y - y_hat)**2)
