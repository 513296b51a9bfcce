input x: real
x + 1
foo(x)
x.T
x
y: real
y == 3
y <- 3
y := 3
y++
3 = y
'''text'''
// comment
/* comment */
a, = x
z = w = 3
z =
z = x x
output f = x
