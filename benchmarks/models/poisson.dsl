# Poisson regression: counts with the rate softplus(x @ w + b).
model poisson

dim N, D
input x: real[N, D]
input counts: real[N]
param w: real[D]
param b: real

rate = softplus(x @ w + b)
loss L = mean(rate - counts * log(rate))
