input x: real
output f = twice(x)
def twice(a):
    return 2 * a
