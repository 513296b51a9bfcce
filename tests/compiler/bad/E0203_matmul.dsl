dim N, D, H, K
input x: real[N, D]
param W1: real[D, H]
param b1: real[H]
param W2: real[H, K]
h = relu(x @ W2 + b1)
loss L = sum(h @ W1)
