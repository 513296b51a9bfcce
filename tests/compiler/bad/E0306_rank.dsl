dim N
param w: real[N] = orthogonal()
loss L = sum(w)
