input x: real[3]
output f = x[3]
