input x: real[N]
dim N
a = b + 1
b = a + 1
c = c + x
output f = c
