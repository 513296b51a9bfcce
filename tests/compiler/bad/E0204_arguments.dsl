dim N
input x, y: real[N]
a = sum(x, axis="rows")
b = sum(x, y)
c = sum(x, axis=N)
d = norm(x, ord=inf)
g = sum((x, y))
h = sin("x")
output f = x
