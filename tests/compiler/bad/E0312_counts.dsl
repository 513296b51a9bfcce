input x: real
def f(a):
    return a, a**2
adjoint f(a, d_out):
    return d_out
def g(a, b):
    return a * b
adjoint g(a, b, d_out):
    return d_out * b
p, q = f(x)
h = g(x, x)
output y = p + h
