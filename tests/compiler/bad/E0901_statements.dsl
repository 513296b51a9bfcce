# What an unsupported statement would define is no error of its own.
dim T
input x: real[T]
var h: real[T]
h[0] = x[0]
total = 0.0
for t in range(T):
    total += x[t]
def f(a):
    if a > 0:
        b = a
    else:
        b = -a
    return b
output y = f(total) + sum(h)
