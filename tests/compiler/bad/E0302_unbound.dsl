dim N, M
input x: real[N]
output f = sum(x) / M
