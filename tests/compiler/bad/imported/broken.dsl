def f(x):
    return x +
def g(x):
    return nope * x
def h(x):
    return 2 * sigmiod(x)
const c = [1, 2
