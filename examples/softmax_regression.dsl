# Multinomial logistic regression: what scikit-learn's LogisticRegression(C=1) minimises. b is free.
model softmax_regression

dim N, D, K
input x: real[N, D]
input y: int[N] in range(K)
param W: real[K, D] = zeros()
param b: real[K] = zeros()

z = x @ W.T + b
output p = softmax(z)
loss F = sum(logsumexp(z, axis=1) - z[arange(N), y]) + sum(W**2) / 2
