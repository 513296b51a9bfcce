dim N
input x, y: real[N]
output f = max(x, y)
