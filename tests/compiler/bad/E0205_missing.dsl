input x: real
def f(a, b):
    return a + b
output y = f(x)
