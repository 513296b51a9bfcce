# Adjoints are checked whether the function is called or not.
input x: real
def f(a):
    return round(a)
adjoint f(a, d_out):
    return d_out * nope
def g(a):
    return round(a)
adjoint g(a, d_out):
    return sigmiod(d_out) * gone
output y = f(x)
