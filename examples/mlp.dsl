# A perceptron of two layers, an example as a row: E = ½ (y - ŷ)(y - ŷ)ᵀ.
model mlp

dim D, H, K
input x: real[D]
input y: real[K]
param W1: real[D, H]
param b1: real[H]
param W2: real[H, K]
param b2: real[K]

h = sigmoid(x @ W1 + b1)
output y_hat = sigmoid(h @ W2 + b2)
error = y - y_hat
loss E = dot(error, error) / 2
