input x: real
adjoint f(a, d_out):
    return d_out
def f(a):
    return round(a)
adjoint sigmoid(x, d_out):
    return d_out
output y = f(x)
