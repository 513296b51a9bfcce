# Gaussian process regression (Rasmussen and Williams, 2006, algorithm 2.1).
# Squared-exponential kernel, a lengthscale for each coordinate, Gaussian noise;
# the loss is the negative log marginal likelihood of the targets.
model gaussian_process
from stats import multi_normal_cholesky

dim N, M, D
input X: real[N, D]                          # where the targets were observed
input y: real[N]
input X_new: real[M, D]                      # where to predict
param log_lengthscale: real[D] = zeros()
param log_amplitude: real = 0
param log_noise: real = -2

# k(a, b) = amplitude² exp(-|a - b|² / 2), for all rows of A and B
def kernel(A, B):
    a = A * exp(-log_lengthscale)
    b = B * exp(-log_lengthscale)
    squared = sum((a[:, None] - b[None])**2, axis=-1)
    return exp(2 * log_amplitude - 0.5 * squared)

L = cholesky(kernel(X, X) + exp(2 * log_noise) * eye(N))
loss nll = -multi_normal_cholesky(y, zeros(N), L)

# the posterior of the function at the new places
alpha = solve_triangular(L, solve_triangular(L, y, lower=true), lower=true, trans=1)
K_new = kernel(X_new, X)
V = solve_triangular(L, K_new.T, lower=true)
output mean_new = K_new @ alpha
output var_new = exp(2 * log_amplitude) - sum(V**2, axis=0)
