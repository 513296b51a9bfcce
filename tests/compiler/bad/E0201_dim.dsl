input x: real[N]
output f = sum(x)
