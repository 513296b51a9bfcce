dim N
input x: real[N]
input i: int[N]
input j: int[2]
a = x[5:2]
b = x["a"]
c = x[..., ...]
d = x[0][0]
g = x[-1:, i]
h = x[N]
k = outer(x, x)[i, j]
output f = x
