# An autoregression of order K, with Bayesian priors.
#   y_t ~ Normal(alpha + beta_1 y_(t-1) + … + beta_K y_(t-K), sigma)
model arK

from stats import normal, cauchy

dim K, T
input y: real[T]
param alpha: real
param beta: real[K]
param sigma: real > 0 = 1.0

def log_joint(y: real[T], alpha: real, beta: real[K], sigma):
    past = y[arange(K, T)[:, None] - arange(1, K + 1)]      # row t: y_(t-1) … y_(t-K)
    prior = normal(alpha, 0, 10) + sum(normal(beta, 0, 10)) + cauchy(sigma, 0, 2.5)
    return prior + sum(normal(y[K:], alpha + past @ beta, sigma))

output log_density = log_joint(y, alpha, beta, sigma)
grad log_density wrt alpha, beta, sigma
