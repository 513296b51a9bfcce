# Elements of what keeps its value.
dim T
input x: real[T]
param w: real[T]
a = 2 * x
a[0] = 1.0
var h: real[T, T]
def f(u):
    h[0, 0] = u
    return u
for t in range(T):
    x[t] = 1.0
    w[t] += 1.0
    h[t][t] = 1.0
    h[t, :, None] = 1.0
    h[t] *= 2
    h[t, t:t+1] = 1.0
    undefined[t] = 1
h[0, 0] += 1
h[1, 1] = f(1.0)
output y = sum(h)
