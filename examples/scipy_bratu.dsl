# Bratu's problem u'' + c exp(u) = 0, u(0) = u(1) = 0, at N points in between: equations for SciPy's root.
model bratu

dim N
input c: real
param u: real[N] = zeros()

h = 1 / (N + 1)
padded = pad(u, 1)
output equations = padded[2:] - 2 * u + padded[:-2] + h**2 * c * exp(u)
grad equations wrt u
