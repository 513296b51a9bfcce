input x: real
output y = x
output y
