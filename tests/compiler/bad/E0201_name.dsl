input x: real
input weight: real
output f = x * wieght
