input x, y: real
output f = x and y > 0
