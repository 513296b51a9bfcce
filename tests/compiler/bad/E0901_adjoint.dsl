input x: real
def ste(a):
    return round(a)
adjoint ste(a, d_out):
    return d_out
output f = ste(x)
