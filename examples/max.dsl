# CS224n lecture 4: a sum and a max, with a fork at y.
model max

input x, y, z: real
output f = (x + y) * maximum(y, z)
grad f wrt x, y, z
