input x: real
g = x**2
output f = g + 1
grad g wrt x
