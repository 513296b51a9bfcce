dim N, M
input x: real[N]
input y: real[M]
output f = x if x > 0 else y
output g = where(x > 0, y, 0.0)
