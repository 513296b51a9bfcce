# Logistic regression with labels 0 and 1 and an intercept.
model logistic01

dim N, D
input x: real[N, D]
input y: real[N]
param w: real[D]
param b: real

z = x @ w + b
loss L = mean(softplus(z) - y * z)
