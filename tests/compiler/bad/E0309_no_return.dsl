input x: real
def f(a):
    b = a + 1
output y = f(x)
