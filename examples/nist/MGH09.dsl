# MGH09: the Kowalik and Osborne problem, from starting points of its own.
# There is a second minimum at infinity.
# One of NIST's reference data sets for nonlinear regression (higher difficulty).
model MGH09

dim N
input y, x: real[N]
param b1: real = 0.25
param b2: real = 0.39
param b3: real = 0.415
param b4: real = 0.39

output y_hat = b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4)
loss RSS = sum((y - y_hat)**2)
