dim N
input x: real[N]
def f(A: real[M, M]):
    return trace(A)
output y = f(x)
