input x: real
y = x + 1
y = x + 2
output f = y
