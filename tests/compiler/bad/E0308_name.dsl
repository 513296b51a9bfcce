from nn import linaer
input x: real
output f = linaer(x, x, x)
