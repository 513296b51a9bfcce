input x: real[3]
input table: real[3, 2]
input z: real[2, 3]
a = x[[0, 5]]
b = x[[-4]]
c = embedding(table, [0, 9])
d = one_hot([0, 9], 3)
g = cross_entropy(z, [0, -1])
output f = x
