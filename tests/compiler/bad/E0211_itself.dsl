input x: real
def f(a):
    return f(a - 1)
output y = f(x)
