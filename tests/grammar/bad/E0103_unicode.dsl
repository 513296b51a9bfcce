input x: real
output a = x²
output b = x − 1
output c = 2×x
output d = x≤3
output e = “x”
output f = √x
output g = x⋅y
output h = x→y
output i = ∑x
output j = x
output k = x​
