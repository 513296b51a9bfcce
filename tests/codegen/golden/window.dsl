# Word vectors gathered from a table; the target is an array, so backward takes its cotangent.
model window

dim V, D, N
input words: int[N, 3] in range(V)
param E: real[V, D] = normal(0, 0.1)
param u: real[3 * D]

output score = tanh(reshape(E[words], N, 3 * D) @ u)
grad score wrt E, u
