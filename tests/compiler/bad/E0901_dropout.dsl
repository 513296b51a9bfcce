dim N
input x: real[N]
output f = dropout(x, 0.5)
