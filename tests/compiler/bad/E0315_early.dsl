# Reading what is not written yet.
dim T
input x: real[T]
var a, b, c, d, r: real[T + 1]
z = sum(a)
for t in range(T):
    z = z + b[t]
    b[t] = x[t]
    c[t] = c[t + 1] + x[t]
    a[t] = x[t]
    if x[t] > 0:
        r[t] = x[t]
    else:
        z = z + r[t]
for t in range(T - 1, -1, -1):
    d[t] = d[t + 1]
    z = z + d[t - 1 + T - T + 0*t] if t > 0 else z
output y = z + sum(b) + sum(c) + sum(d)
