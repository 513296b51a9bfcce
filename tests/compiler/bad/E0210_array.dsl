dim N
input x: real[N]
input y: real[3]
a, b = x
c, d = y
output f = x
