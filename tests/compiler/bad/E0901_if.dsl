input x: real
if x > 0:
    y = x
else:
    y = -x
output f = y
