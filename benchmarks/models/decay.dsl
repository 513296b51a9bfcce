# Weight decay alone, of a large matrix: its squares, and its entries' smoothed absolute values.
model decay

dim N, M
param W: real[N, M] = xavier()

loss L = 1e-4 * sum(W**2) + 1e-5 * sum(sqrt(W**2 + 1e-6))
