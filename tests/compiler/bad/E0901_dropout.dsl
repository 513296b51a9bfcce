dim T, N
input x: real[T, N]
param w: real[N]
h = zeros(N)
for t in range(T):
    h = dropout(h * w + x[t], 0.5)
loss L = sum(h**2)
