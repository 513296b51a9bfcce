input x: real
y = x + 1
y += 2
output f = y
