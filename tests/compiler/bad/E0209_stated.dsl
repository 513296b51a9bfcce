dim N, D
input x: real[N, D]
h: real[N] = x * 2
output f = h
