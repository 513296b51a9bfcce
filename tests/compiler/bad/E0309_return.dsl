input x: real
return x
output f = x
