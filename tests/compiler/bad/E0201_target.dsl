input x: real
output f = x
grad g wrt x
