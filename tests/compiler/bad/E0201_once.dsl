# Each missing declaration is reported where it is first missed.
input x: real[N, D]
param W: real[D, H]
y = x @ W + bias
z = y * 2 + bias
loss L = sum(z)
