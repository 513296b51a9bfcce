input x, y: real
output f = x(y + 1)
