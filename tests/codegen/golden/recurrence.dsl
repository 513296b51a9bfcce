# A recurrent layer whose states are all returned, and a gate that opens for some steps only.
model recurrence

dim T, N, D, H
input x: real[T, N, D]
input open: real[T]
param W: real[D, H] = xavier()
param U: real[H, H] = orthogonal()
param b: real[H] = zeros()

var hs: real[T, N, H]
h = zeros(N, H)
for t in range(T):
    z = x[t] @ W + h @ U + b
    if open[t] > 0.8:
        h = tanh(z)
    else:
        h = 0.5 * h + z
    hs[t] = h

output states = hs
loss L = mean(hs**2)
