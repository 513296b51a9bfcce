dim N, D
input x: real[N]
input v: real[D]
param w: real[N]
y = w * x
a = jvp(y, w, v)
b = jvp(y, w, 1.0)
c = jvp(y, w, x > 0)
output f = y
