# A long short-term memory over sequences, a linear layer on its outputs, squared errors.
model lstm

dim T, B, D, H, O
input x: real[T, B, D]
input target: real[T, B, O]
param W: real[D, 4*H] = xavier()           # gates: in, forget, candidate, out
param U: real[H, 4*H] = orthogonal()
param b: real[4*H]
param V: real[H, O] = xavier()

var hs: real[T, B, H]
h, c = zeros(B, H), zeros(B, H)
for t in range(T):
    z = x[t] @ W + h @ U + b
    c = sigmoid(z[:, H:2*H]) * c + sigmoid(z[:, :H]) * tanh(z[:, 2*H:3*H])
    h = sigmoid(z[:, 3*H:]) * tanh(c)
    hs[t] = h
loss L = mean((hs @ V - target)**2)
