input x: real
output f = x * sigmoid
