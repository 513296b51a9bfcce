input x: real
output f = x**2
grad f wrt x, x
