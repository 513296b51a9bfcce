# z = a b[0] b[1] … b[T-1], a step at a time: the gradient by a is the product of all b, and explodes or
# vanishes like a power of their size. (Bengio, Simard and Frasconi: Learning long-term dependencies with
# gradient descent is difficult, 1994.)
model product_recurrence

dim T
param a: real
param b: real[T]

z = a
for t in range(T):
    z = z * b[t]
loss z
