input x: real
y = x + 1
