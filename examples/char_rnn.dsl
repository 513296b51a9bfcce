# A character-level recurrent network: the next character from those before it.
# (Elman: Finding structure in time, 1990; trained on windows of a text, as in Karpathy's min-char-rnn.)
model char_rnn

dim T, B, V, H                             # steps, windows side by side, characters, hidden units

input x: int[T, B] in range(V)             # characters
input y: int[T, B] in range(V)             # the ones that follow
input h0: real[B, H]                       # where the window before ended

param E: real[V, H] = normal(0, 0.1)       # what a character adds to the hidden units
param U: real[H, H] = orthogonal()
param b: real[H]
param W: real[H, V] = normal(0, 0.1)
param c: real[V]

var h: real[T, B, H]
state = h0
for t in range(T):
    state = tanh(E[x[t]] + state @ U + b)
    h[t] = state

logits = h @ W + c
output p = softmax(logits)
output state
loss L = mean(cross_entropy(logits, y))
