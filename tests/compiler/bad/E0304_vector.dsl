dim N
param w: real[N]
loss L = w**2
