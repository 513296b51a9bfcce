input x: real
output f = x * 10**30
