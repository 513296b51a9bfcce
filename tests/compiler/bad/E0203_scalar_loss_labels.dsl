dim N, M
input z: real[N, 4]
input y: int[M]
loss L = mean(cross_entropy(z, y))
