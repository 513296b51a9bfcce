input x: real
for t in range(3):
y = x
if x > 0:
    y = 1
else:
# nothing here
output f = y
def f(x):
