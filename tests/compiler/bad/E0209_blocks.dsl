dim T, H
input x: real[T, H]
input n: int
h = 0.0
for t in range(T):
    h = h + x[t]
if n > 3:
    y = x
else:
    y = 1.0
var k: int[T]
for t in range(T):
    k[t] = 0.5
def f(a):
    if n > 2:
        return a, 1
    return a
z = f(x)
p = (1.0, 2)
for t in range(T):
    p = 1.0
output g = sum(y)
