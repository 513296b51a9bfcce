dim N, D
input x: real[N, D]
output f = mean(x, axis=(0, -2))
