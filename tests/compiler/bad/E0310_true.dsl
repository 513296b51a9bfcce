input x: real
true = x
output f = x
