dim N
input x: real[N]
output f = x.mean
