dim N
input x: real[N, 3]
output f = reshape(x, N, 4)
