# Logistic regression: the Hessian that Newton's method takes.
model regression

dim N, D
input x: real[N, D]
input y: real[N]
param w: real[D]
param b: real

loss L = mean(softplus(-y * (x @ w + b))) + 0.05 * sum(w**2)
