dim N
input x: real[N]
input n: int
y = 0.0
for i in range(0, N, 0):
    y = y + 1
for i in range(0, N, n):
    y = y + 1
for i in range(0, N, 1, 1):
    y = y + 1
a = exp(x[i] for i in range(N))
b = max(x[i] for i in range(n))
c = reshape(x[i] for i in range(N))
output f = y
