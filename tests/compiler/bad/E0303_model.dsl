model a
model b
input x: real
output f = x
