dim N
input N: real[N]
output f = sum(N)
