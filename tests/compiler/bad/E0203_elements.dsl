dim T, H
input x: real[T, H]
var h: real[T, H]
for t in range(T):
    h[t] = x
var g: real[T]
for t in range(T):
    g[t] = x[t]
    g[t] += x[t]
output f = sum(h) + sum(g)
