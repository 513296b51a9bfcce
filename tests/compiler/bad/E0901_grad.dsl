param w: real
L = w**3
loss M = grad(L, w)**2
