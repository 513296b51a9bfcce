input x: real
def f(a, b=2):
    return a * b
adjoint f(b, a, d_out):
    return d_out, None
def g(a, b=2):
    return a * b
adjoint g(a, b=2, d_out=1.0):
    return d_out, None
def h(a):
    return a
adjoint h(a):
    return a
output y = f(x) + g(x) + h(x)
