input x: real
output f = x + 99999999999999999999
