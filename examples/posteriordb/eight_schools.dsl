# Eight schools (Rubin 1981), non-centred: what coaching does for test scores, school by school.
#   theta_trans_j ~ Normal(0, 1)    mu ~ Normal(0, 5)    tau ~ Cauchy(0, 5), tau > 0
#   y_j ~ Normal(mu + tau theta_trans_j, sigma_j)
model eight_schools

from stats import normal, cauchy

dim J
input y: real[J]
input sigma: real[J] > 0
param theta_trans: real[J] = normal()
param mu: real
param tau: real > 0 = 1.0

def log_joint(y, sigma, theta_trans, mu, tau):
    prior = sum(normal(theta_trans, 0, 1)) + normal(mu, 0, 5) + cauchy(tau, 0, 5)
    return prior + sum(normal(y, mu + tau * theta_trans, sigma))

output log_density = log_joint(y, sigma, theta_trans, mu, tau)
grad log_density wrt theta_trans, mu, tau
