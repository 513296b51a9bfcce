input x: real
output f = x + "one"
