dim N, D
input x: real[N, D]
output f = sum(x, axis=2)
