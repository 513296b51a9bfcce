dim N
input x, y: real[N]
a = sum(x, axis="rows")
b = sum(x, y)
c = sum(x, axis=N)
d = norm(x, ord=inf)
g = sum((x, y))
h = sin("x")
output f = x
output g2 = diag(x, None)
output g3 = transpose([x, y], (None, 0))
