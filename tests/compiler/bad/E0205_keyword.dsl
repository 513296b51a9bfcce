dim N
input x: real[N]
output f = sum(x, axes=0)
