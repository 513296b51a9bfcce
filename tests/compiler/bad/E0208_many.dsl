dim N
input x: real[N]
output f = x[0, 1]
