input x: real
def unused(a):
    b = a + c
    return sigmiod(b)
output f = x
