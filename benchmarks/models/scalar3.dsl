# Three operations of three numbers.
model scalar3

input x, y, z: real
output f = (x + y) * maximum(y, z)
grad f wrt x, y, z
