input x: real
output f = sigmiod(x)
