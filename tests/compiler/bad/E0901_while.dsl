input x: real
y = x
while y < 10 max 100:
    y = 2 * y
output f = y
