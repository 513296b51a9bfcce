dim N, M
input x: real[N]
input y: real[M]
def distance(a, b):
    return sum((a - b)**2)
output f = distance(x, y)
