param w: real
a = grad(w**2)
b = grad(w**2, wrt=w)
c = jvp(w**2, w)
d = jvp(w, w, 1.0, 2.0)
e1 = grad(missing)
loss L = w
