dim N, M
input x: real[N]
input y: real[M]
output f = x + y
