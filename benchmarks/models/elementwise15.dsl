# Fifteen elementwise operations, then a sum.
model elementwise15

dim N
input x: real[N]

f = 0.5 * (tanh(x) * exp(-x * x / 2) + log1p(x * x) / (1 + sqrt(1 + x * x)) - 0.3 * x)
loss L = sum(f)
grad L wrt x
