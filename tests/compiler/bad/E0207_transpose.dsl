dim N, D
input x: real[N, D]
output f = transpose(x, 0, 0)
