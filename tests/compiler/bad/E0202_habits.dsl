dim N
input x: real[N]
a = ln(x)
b = acos(x)
c = pow(x, 2)
d = x / len(x)
g = x + randn(N)
h = int(x)
i = pi() * x
j = reduce_sum(x)
k = array([1, 2])
l = range(3)
output f = a
