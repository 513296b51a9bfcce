# A mixture of normal densities on the line.
model mixture1d

dim N, K
input x: real[N]
param logit, mu, log_sigma: real[K]

z = (x[:, None] - mu) / exp(log_sigma)
log_p = log_softmax(logit) - log_sigma - 0.5 * z**2
loss L = -mean(logsumexp(log_p, axis=1))
