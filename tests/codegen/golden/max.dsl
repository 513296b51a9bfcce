# CS224n lecture 4
input x, y, z: real
output f = (x + y) * maximum(y, z)
grad f wrt x, y, z
