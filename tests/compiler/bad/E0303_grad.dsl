input x, y: real
output f = x * y
grad f wrt x
grad f wrt y
