input x: real
input y: real[x]
output f = y
