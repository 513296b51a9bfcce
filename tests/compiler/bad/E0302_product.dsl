dim N, M
input x: real[N*M]
output f = sum(x)
