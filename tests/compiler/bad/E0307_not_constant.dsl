input x: real
param s: real > x
loss L = s * x
