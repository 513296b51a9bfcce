# A mixture density network (Bishop 1994): not one answer t for an x, but a density over answers,
# p(t|x) = Σ_k w_k(x) Normal(t; μ_k(x), σ_k(x)), whose parameters a network gives.
model mixture_density

from stats import normal

dim N, H, K
input x, t: real[N]
param W: real[1, H] = normal(0, 2)
param b: real[H] = normal()
param V_w, V_mu, V_sigma: real[H, K]
param c_w: real[K]
param c_mu: real[K] = uniform(0, 1)
param c_sigma: real[K] = full(-1)

h = tanh(x[:, None] @ W + b)
output log_w = log_softmax(h @ V_w + c_w)
output mu = h @ V_mu + c_mu
output sigma = exp(h @ V_sigma + c_sigma)

log_p = logsumexp(log_w + normal(t[:, None], mu, sigma), axis=1)
loss L = -mean(log_p)
