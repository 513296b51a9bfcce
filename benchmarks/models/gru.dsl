# A gated recurrent unit (Cho and others, 2014), its last state fitted.
model gru

dim T, B, D, H
input x: real[T, B, D]
input target: real[B, H]
param W: real[D, 3*H] = xavier()           # gates: reset, update, candidate
param U: real[H, 2*H] = xavier()
param Uc: real[H, H] = xavier()
param b: real[3*H]

h = zeros(B, H)
for t in range(T):
    a = x[t] @ W + b
    gates = sigmoid(a[:, :2*H] + h @ U)
    r, u = gates[:, :H], gates[:, H:]
    h = u * h + (1 - u) * tanh(a[:, 2*H:] + (r * h) @ Uc)
loss L = mean((h - target)**2)
