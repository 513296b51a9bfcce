dim T
input x: real[T]
const c = 2.0
var h: real[T]
y = 0.0
for t in range(T):
    x = x + 1
    T = 3
    t = 4
    c += 1
    h = zeros(T)
    h[t] = 1.0
    y = y + 1
for t in range(T):
    for t in range(2):
        y = y + 1
z = 1.0
for z in range(T):
    y = z
y = y + 1
output f = sum(h)
