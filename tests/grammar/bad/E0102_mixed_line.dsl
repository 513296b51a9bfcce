input x: real
if x > 0:
 	y = 1
else:
	y = 2
output f = y
