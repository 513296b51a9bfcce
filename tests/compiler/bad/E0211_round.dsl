input x: real
def f(a):
    return g(a)
def g(a):
    return f(a)
output y = g(x)
