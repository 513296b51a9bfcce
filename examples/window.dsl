# The score of a window of five words: s = uᵀ f(W x + b), x the five word vectors end to end.
# A word that occurs twice in the window gets both contributions to its row of the table.
model window

dim V, d, H
input words: int[5] in range(V)
param E: real[V, d] = normal(0, 0.1)
param W: real[H, 5 * d] = xavier()
param b: real[H] = zeros()
param u: real[H] = normal(0, 1)

x = reshape(E[words], 5 * d)
output s = dot(u, tanh(W @ x + b))
grad s wrt u, W, b, E
