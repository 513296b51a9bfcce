input _x: real
output f = _x
