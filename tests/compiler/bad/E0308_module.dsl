from nnn import linear
input x: real
output f = x
