input x: real
def f(a, a):
    return a
output y = f(x, x)
