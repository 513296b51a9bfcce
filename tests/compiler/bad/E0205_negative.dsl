input x: real[6]
a = zeros(-2)
b = eye(-2)
c = tile(x, -1)
d = pad(x, -1)
g = reshape(x, -2, -3)
h = repeat(x, -3)
output f = x
