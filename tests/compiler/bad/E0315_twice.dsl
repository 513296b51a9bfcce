# Each element of a `var` is written once, which must be seen from the positions.
dim T
input x: real[T]
input n: int
var a, b, c, d, g, h, k, l: real[T]
for epoch in range(3):
    for t in range(T):
        a[t] = x[t]
for t in range(T):
    b[t] = x[t]
    b[t] = 2 * x[t]
c[0] = 1.0
for t in range(T):
    c[t] = x[t]
for t in range(T - 1):
    d[t] = x[t]
    d[t + 1] = x[t]
i = 0
while i < T max T:
    g[i] = x[i]
    i = i + 1
for t in range(T):
    h[n] = x[t]
    k[0] = x[t]
l[0] = x[0]
l[0] = x[1]
var m: real[2*T]
for t in range(T):
    for u in range(T):
        m[t + u] = x[t]
output y = sum(a) + sum(b) + sum(c) + sum(d) + sum(g) + sum(h) + sum(k) + sum(l) + sum(m)
