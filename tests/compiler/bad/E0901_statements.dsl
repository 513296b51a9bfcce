# What an unsupported statement would define is no error of its own.
from "layers.dsl" import layer
dim T
input x: real[T]
var h: real[T]
h[0] = x[0]
total = 0.0
for t in range(T):
    total += layer(x[t])
assert total > 0
def f(a):
    if a > 0:
        b = a
    else:
        b = -a
    return b
output y = f(total) + sum(h)
