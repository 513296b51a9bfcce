dim T
input x: real[T]
var h: real[T]
s = 0.0
for t in range(T):
    s = s + x[t]
    h[t] = s
output f = s
