dim N
input x: real[N]
param w: real[N]

def f(v):
    return v**2
adjoint f(v, d_out):
    return clip(2 * v * d_out, -1, 1)

loss L = sum(jvp(f(w) * x, w, x)**2)
