param b: real
for t in range(3):
    loss L = b
