# Names whose values do not reach the place where they are used.
dim T
input x: real[T]
s = 0.0
for t in range(T):
    s = s + last
    last = x[t]
    e = x[t]**2
a = 2 * t
b = e
if x[0] > 0:
    y = 1.0
elif x[0] > -1:
    z = 2.0
else:
    y = 2.0
    z = 1.0
c = y + z
k = 1.0
def f(u):
    for i in range(3):
        k = k + u
    return u
output g = f(2.0)
