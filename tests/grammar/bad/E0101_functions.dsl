def
def f
def f(x) = x
def f(x) -> real: return x
def f(a=1, b): return b
def f(*args): return 1
def f(x)
    return x
def f(x): return
adjoint f(x, d_out)
    return d_out
function f(x)
lambda x: x
output f = lambda x: x
