input x: real
def two(a):
    return a, 2 * a
p, q, r = two(x)
output f = p + q + r
