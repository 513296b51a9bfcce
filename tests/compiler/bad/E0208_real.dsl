dim N
input x, y: real[N]
output f = x[y]
