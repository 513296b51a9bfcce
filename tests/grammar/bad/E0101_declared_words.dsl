# A declaration word begins a statement; elsewhere it is a plain name.
input = 3
output[0] = 1
grad(L, W)
def = 4
return: real = 3
loss L: real = 2
loss: real = 2
input param, loss, max: real
output f = f(input=param) + loss
