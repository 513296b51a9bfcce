dim N
param w: real[N] = gaussian()
loss L = sum(w)
