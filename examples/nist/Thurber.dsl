# Thurber: electron mobility in a semiconductor: x is the log of the density. A ratio of two cubics.
# One of NIST's reference data sets for nonlinear regression (higher difficulty).
model Thurber

dim N
input y, x: real[N]
param b1: real = 1300
param b2: real = 1500
param b3: real = 500
param b4: real = 75
param b5: real = 1
param b6: real = 0.4
param b7: real = 0.05

numerator = b1 + b2 * x + b3 * x**2 + b4 * x**3
output y_hat = numerator / (1 + b5 * x + b6 * x**2 + b7 * x**3)
loss RSS = sum((y - y_hat)**2)
