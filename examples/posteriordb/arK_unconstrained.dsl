# The same posterior with sigma = exp(u) and the Jacobian's log, u.
from "arK.dsl" import log_joint

dim K, T
input y: real[T]
param alpha: real
param beta: real[K]
param log_sigma: real

output log_density = log_joint(y, alpha, beta, exp(log_sigma)) + log_sigma
grad log_density wrt alpha, beta, log_sigma
