input x: real
y = 2 * x
output f = y**2
grad f wrt y
