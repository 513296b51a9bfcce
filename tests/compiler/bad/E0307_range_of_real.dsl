dim N
input x: real[N] in range(3)
output f = sum(x)
