# A curve fitted to counts: bounds, scalars, a forked value, long lines that break.
model growth

dim N
input year: real[N]
input count: real[N] >= 0
param capacity: real > 0 = 100.0
param rate: real = normal(0.1, 0.01)
param midpoint: real = 0.0

steepness = exp(rate)
predicted = capacity / (1 + exp(-steepness * (year - midpoint)))
residual = (predicted - count) / sqrt(1 + count)
output scale = sqrt(mean(residual**2))
loss L = sum(huber(residual, 0.0)) + 0.5 * (steepness - 1)**2 + maximum(midpoint, 0.0)
