dim N, K
input z: real[N, K]
input y: real[N]
loss L = mean(cross_entropy(z, y))
