# ADBench's Gaussian mixture with a Wishart prior: the log-likelihood of n points in R^d under K components.
# Component k has weight softmax(alphas)_k, mean μ_k and inverse covariance Q_k' Q_k. Its lower-triangular Q_k
# is stored in icf: first the logarithms of the diagonal, then the columns below it, one after another.
model gmm

dim n, d, K
input x: real[n, d]
input gamma: real > 0                           # of the prior: its scale, and the surplus of its
input m: int                                    # degrees of freedom
param alphas: real[K]
param means: real[K, d]
param icf: real[K, d*(d+1)//2]

log_diagonal = icf[:, :d]
below = icf[:, d:]

# Where in a row of icf the element at row i, column j stands.
i, j = arange(d)[:, None], arange(d)[None, :]
place = where(i > j, d + j*(2*d - j - 1)//2 + i - j - 1, j)
Q = tril(icf[:, place], -1) + exp(log_diagonal)[:, None, :] * eye(d)

# log N(x_i; μ_k, (Q_k' Q_k)^-1) but for the factor (2π)^(-d/2); determinants are products of diagonals.
z = (x - means[:, None, :]) @ swapaxes(Q, 1, 2)
log_component = sum(log_diagonal, axis=1)[:, None] - 0.5 * sum(z**2, axis=2)
log_likelihood = sum(logsumexp(alphas[:, None] + log_component, axis=0)) - n * logsumexp(alphas)

log_prior = 0.5 * gamma**2 * (sum(exp(log_diagonal)**2) + sum(below**2)) - m * sum(log_diagonal)

# The logarithm of the multivariate gamma function.
def multi_lgamma(a, d):
    return d * (d - 1) / 4 * log(pi) + sum(lgamma(a - arange(d) / 2))

N = d + m + 1
log_constant = N * d * (log(gamma) - 0.5 * log(2)) - multi_lgamma(0.5 * N, d)
output objective = -0.5 * n * d * log(2 * pi) + log_likelihood + log_prior - K * log_constant
grad objective wrt alphas, means, icf
