  input x: real
y = x
    z = y
        w = z
output f = z
