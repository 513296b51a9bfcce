input x: real
def f(a, b=1):
    return a + b
output y = f(x, 2, 3)
