# Two hidden layers, softmax cross-entropy.
model mlp3

dim N, D, H1, H2, K
input x: real[N, D]
input y: int[N] in range(K)
param W1: real[D, H1] = kaiming()
param b1: real[H1]
param W2: real[H1, H2] = kaiming()
param b2: real[H2]
param W3: real[H2, K] = xavier()
param b3: real[K]

h1 = relu(x @ W1 + b1)
h2 = relu(h1 @ W2 + b2)
loss L = mean(cross_entropy(h2 @ W3 + b3, y))
