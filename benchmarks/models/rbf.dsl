# The energy of charges in a Gaussian kernel: all pairs of points, with their own weights and a learned width.
model rbf

dim N, M, D
input x: real[N, D]
param z: real[M, D] = normal(0, 1)
param weight: real[M] = normal(0, 1)
param width: real > 0 = 1

squares = sum(x**2, axis=1)[:, None] + sum(z**2, axis=1) - 2 * x @ z.T
field = exp(-squares / (2 * width**2)) @ weight
loss L = mean(field**2)
