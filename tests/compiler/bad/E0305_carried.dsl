dim N
input x: real[N]
param w, lr: real
z = w
g = 0.0
for k in range(3):
    z = z - lr * grad(sum(exp(z * x)), z)
    g = g + grad(z**2 * lr, lr)
u = w
for k in range(3):
    v = u
    for l in range(2):
        u = u + grad(sin(v), w)
t = w
for k in range(3):
    t = t + jvp(sin(t) * w, w, 1.0)
loss L = z + u + t
