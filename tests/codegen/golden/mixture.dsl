# A mixture of normal distributions with a common variance.
dim N, D, K
input x: real[N, D]
param weights: real[K]
param means: real[K, D]
param s: real

squares = sum((x[:, None, :] - means)**2, axis=2)
log_density = log_softmax(weights) - D * s - 0.5 * exp(-2 * s) * squares
output share = softmax(log_density, axis=1)
loss L = -mean(logsumexp(log_density, axis=1))
