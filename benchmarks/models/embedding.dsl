# Words looked up in a table, averaged over a sentence, classified.
model embedding

dim N, T, V, M, K
input words: int[N, T] in range(V)
input y: int[N] in range(K)
param E: real[V, M] = normal(0, 0.1)
param W: real[M, K] = xavier()
param b: real[K]

sentence = mean(E[words], axis=1)
loss L = mean(cross_entropy(sentence @ W + b, y))
