dim N
input x: real[N]
output f = sum(x[i]**2 for i in range(N))
