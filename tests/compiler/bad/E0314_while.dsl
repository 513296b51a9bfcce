input x: real
y = x
while true:
    y = 2 * y
while 1 < 2:
    y = 2 * y
output f = y
z = 1.0
while x > 0:
    z = 2 * z
