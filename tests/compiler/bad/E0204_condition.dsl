input x: real
output f = 1 if x else 0
