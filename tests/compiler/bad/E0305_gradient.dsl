dim N
input x: real[N]
input k: int
param w, lr: real
p = (w, w)
y = x * w
a = grad(y, w)
c = grad(sum(y), 2 * w)
d = grad(sum(y), k)
e1 = grad(sum(y), N)
f1 = grad(sum(y), pi)
g = grad(sum(y), lr)
h = grad(argmax(y), w)
i = grad(sum(y), p)
j = grad(sum(y), missing)
q = 3
r = grad(sum(y) * q, q)
s = grad(sum(x) > w, w)
t = grad(w, w)[0]
u = grad(sum(stop_gradient(w * x)), w)
v = jvp(x > w, w, 1.0)
output f = y
