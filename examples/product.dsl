# CS231n: a sum times a number, the smallest computational graph.
model product

input x, y, z: real
output f = (x + y) * z
grad f wrt x, y, z
