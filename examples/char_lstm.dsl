# A character-level long short-term memory: the next character from those before it.
# (Hochreiter and Schmidhuber: Long short-term memory, 1997; the forget gate by Gers, Schmidhuber and
# Cummins, 2000.)
model char_lstm

dim T, B, V, H                             # steps, windows side by side, characters, hidden units

input x: int[T, B] in range(V)             # characters
input y: int[T, B] in range(V)             # the ones that follow
input h0, c0: real[B, H]                   # where the window before ended

param E: real[V, 4*H] = normal(0, 0.1)     # what a character adds to the gates: in, forget, out, candidate
param U: real[H, 4*H] = xavier()
param b: real[4*H]
param W: real[H, V] = normal(0, 0.1)
param d: real[V]

var hs: real[T, B, H]
h, c = h0, c0
for t in range(T):
    z = E[x[t]] + h @ U + b
    i, f, o = sigmoid(z[:, :H]), sigmoid(z[:, H:2*H] + 1), sigmoid(z[:, 2*H:3*H])
    c = f * c + i * tanh(z[:, 3*H:])
    h = o * tanh(c)
    hs[t] = h

logits = hs @ W + d
output p = softmax(logits)
output h
output c
loss L = mean(cross_entropy(logits, y))
