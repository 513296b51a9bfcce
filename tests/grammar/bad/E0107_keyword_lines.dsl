y = foo(x,
a = 1
output f = y
