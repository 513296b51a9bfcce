input x: real
param sigma: real > 0
output f = x * sigma
grad f wrt sgima
