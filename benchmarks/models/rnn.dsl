# Elman's network, classified at its last step.
model rnn

dim T, B, D, H, K
input x: real[T, B, D]
input y: int[B] in range(K)
param W: real[D, H] = xavier()
param U: real[H, H] = orthogonal()
param b: real[H]
param V: real[H, K] = xavier()
param c: real[K]

h = zeros(B, H)
for t in range(T):
    h = tanh(x[t] @ W + h @ U + b)
loss L = mean(cross_entropy(h @ V + c, y))
