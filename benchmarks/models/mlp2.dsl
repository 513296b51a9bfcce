# One hidden layer, softmax cross-entropy.
model mlp2

dim N, D, H, K
input x: real[N, D]
input y: int[N] in range(K)
param W1: real[D, H] = kaiming()
param b1: real[H]
param W2: real[H, K] = xavier()
param b2: real[K]

h = relu(x @ W1 + b1)
loss L = mean(cross_entropy(h @ W2 + b2, y))
