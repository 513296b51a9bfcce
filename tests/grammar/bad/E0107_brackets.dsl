input x: real
y = foo(x, 1
z = (x + 1
# a comment
w = [1, 2,
     3
output f = x[1
if (x > 0:
    y = 1
q = f(x]
r = f(x,
      y))
s = g(x,
