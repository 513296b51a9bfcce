input x: real
def f(a):
    return a * scale
scale = 2 * x
output y = f(x)
