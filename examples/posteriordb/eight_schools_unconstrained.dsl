# The same posterior as a sampler wants it: over all of R^(J+2), with tau = exp(u) and the Jacobian's log, u.
from "eight_schools.dsl" import log_joint

dim J
input y: real[J]
input sigma: real[J] > 0
param theta_trans: real[J] = normal()
param mu: real
param log_tau: real

output log_density = log_joint(y, sigma, theta_trans, mu, exp(log_tau)) + log_tau
grad log_density wrt theta_trans, mu, log_tau
