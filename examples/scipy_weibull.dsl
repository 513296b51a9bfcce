# Weibull's distribution of lifetimes; the data are ages at failure, or at the end of the observation.
model weibull

dim N
input age: real[N] > 0
input failed: bool[N]
param shape: real > 0 = 1.0
param scale: real > 0 = 1.0

z = shape * log(age / scale)                     # exp(z) is the hazard that was survived so far
loss nll = sum(exp(z) - failed * (log(shape / age) + z))
