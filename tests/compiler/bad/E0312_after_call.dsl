input x: real
def f(a):
    return round(a)
y = f(x)
adjoint f(a, d_out):
    return d_out
output z = f(y)
