# Multinomial logistic regression with weight decay.
model softmax_regression

dim N, D, K
input x: real[N, D]
input y: int[N] in range(K)
param W: real[D, K]
param b: real[K]

loss L = mean(cross_entropy(x @ W + b, y)) + 1e-3 * sum(W**2)
