dim N
input x: real[N]
param w: real[N]
const c = 2.0
def f(a):
    return c * a * w / N
adjoint f(a, d_out):
    return c * d_out * w
s = sum(w)
def g(a):
    return round(a)
adjoint g(a, d_out):
    return d_out * s
loss L = sum(f(x)) + sum(g(x))
