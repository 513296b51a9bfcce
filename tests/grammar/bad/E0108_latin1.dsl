input x: real  # größer
output f = x
