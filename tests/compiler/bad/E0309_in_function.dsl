input x: real
def f(a):
    input z: real
    return a + z
output y = f(x)
