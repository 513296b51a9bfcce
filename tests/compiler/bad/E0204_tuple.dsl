input x: real
def two(a):
    return a, 2 * a
output f = two(x) + 1
