input x: real
output f = x^2 + x ^ 3
x ^= 2
