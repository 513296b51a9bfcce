dim N
input x: real[N, N]
a = xᵀ @ x
b = clip(x, -infinity, infinity)
total += 1
c = total
output f = x
