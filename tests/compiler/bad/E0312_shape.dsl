dim N
input x: real[N]
input k: int
def f(a, n):
    return sum(a) * n
adjoint f(a, n, d_out):
    return d_out * n, None
def g(a):
    return a * 2
adjoint g(a, d_out):
    return d_out > 0
def h(n: int, a: real[N]):
    return a * n
adjoint h(n, a, d_out):
    return d_out, d_out * n
output y = f(x, k) + sum(g(x)) + sum(h(k, x))
