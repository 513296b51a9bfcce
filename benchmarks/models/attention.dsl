# One attention head (Vaswani and others, 2017), fitted to targets.
model attention

dim N, M, D
input x: real[N, M]
input target: real[N, D]
param Q, K, V: real[M, D]

q, k, v = x @ Q, x @ K, x @ V
output out = softmax(q @ k.T / sqrt(D)) @ v
loss L = mean((out - target)**2)
