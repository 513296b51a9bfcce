input x: real
def f(a):
    return a
def f(a):
    return 2 * a
output y = f(x)
