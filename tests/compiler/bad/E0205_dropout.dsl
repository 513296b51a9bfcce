dim N
input x: real[N]
param w: real[N]
h = w
while sum(h**2) > 1 max 10:
    h = dropout(h * w + x, 0.5) / 2
loss L = sum(h**2)
