dim N
dim K = N / 2
dim J = 2.5
dim I = "many"
input n: int
input x: real[None, N]
input y: real[n]
a = zeros(n)
b = arange(n)
c = arange(0.0, 1.0, 0.1)
d = N // 0
output f = n
