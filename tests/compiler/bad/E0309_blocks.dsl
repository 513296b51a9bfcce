dim T
input x: real[T]
s = 0.0
for t in range(T):
    output y = s
    param w: real
    s = s + x[t]
    def g(a):
        return a
if s > 0:
    return s
def f(a):
    for t in range(3):
        return a
    while a < 3 max 3:
        if a > 2:
            return 2
        a = a + 1
def h(a):
    if a > 0:
        return 1.0
    elif a > -1:
        b = 2
def k(a):
    if a > 0:
        return 1.0
        b = 1
    else:
        return 2.0
    c = 3
output r = f(s) + h(s) + k(s)
