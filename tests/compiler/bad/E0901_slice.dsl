dim N
input x: real[N]
input i: int
output f = x[i:i+2]
