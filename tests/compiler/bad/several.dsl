dim N, D, H
input x: real[N, D]
param W: real[H, D]
param b: real[H]
z = x @ W + b
h = relv(z)
q = h + undefined_name
loss L = mean(q, axis=0) + c
