input x: real
if (x > 0:
    y = 1
def f(a, b:
    return a + b
for t in range(10:
    z = t
while (x < 3 max 10:
    x += 1
output f = x
