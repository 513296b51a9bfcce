input x: real
def f(a):
    return round(a)
adjoint f(a, d_out):
    b = d_out
output y = f(x)
