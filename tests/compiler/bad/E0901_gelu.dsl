input x: real
output f = gelu(x)
