input x: real
def f(a):
    return a
    b = a
output y = f(x)
