# A curve fitted by its residuals: scalars that are differentiated by, each by itself.
model fit

dim N
input x, y: real[N]
param b1, b2, b3: real

y_hat = b1 * exp(-b2 * x) + b3
output r = (y - y_hat) / sqrt(1 + y**2)
grad r wrt b1, b2, b3
