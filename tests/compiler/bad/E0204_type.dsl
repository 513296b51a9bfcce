input x: float
output f = x
