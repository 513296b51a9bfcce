dim N
input x: real[N]
def leaky(a, slope=0.1):
    return maximum(a, slope * a)
a = sum(x, dim=0, keepdim=true)
b = clip(x, min=0, max=1)
c = leaky(x, slop=0.2)
d = leaky(x, 0.2, slope=0.3)
g = max(x, x)
h = max(x, x, x)
i = where(x > 0)
j = log(x, 2)
output f = x
