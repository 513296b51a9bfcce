# A residual block: a layer norm, a product, GELU (by tanh).
model layer_norm

dim N, D
input x, target: real[N, D]
param gamma: real[D] = ones()
param beta: real[D]
param W: real[D, D] = xavier()

h = x + gelu(layer_norm(x, gamma, beta) @ W, approximate="tanh")
loss L = mse(h, target)
