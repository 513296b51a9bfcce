dim N
param w: real[N] = zeros(N)
loss L = sum(w)
