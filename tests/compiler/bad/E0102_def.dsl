# The block is missing; that `return` stands outside and `f` is unknown only follows.
input x: real
def f(a):
return 2 * a
output y = f(x)
