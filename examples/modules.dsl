# The usual modules, each a function: Linear, ReLU, Duplicate (a fork into three), Add, Max, Softmax, LogSoftmax.
model modules

dim N, D, H, K
input x: real[N, D]
input t: real[N, K]               # target probabilities
param W1: real[D, H]
param b1: real[H]
param W2: real[H, K]
param b2: real[K]
param W3: real[H, K]
param b3: real[K]
param W4: real[H, K]
param b4: real[K]

def linear(x, W, b):
    return x @ W + b

def duplicate(x):
    return x, x, x

def add(a, b):
    return a + b

left, middle, right = duplicate(relu(linear(x, W1, b1)))
s = add(linear(left, W2, b2), linear(middle, W3, b3))
m = maximum(s, linear(right, W4, b4))

output p = softmax(m)
output log_p = log_softmax(m)
loss L = mean(sum((p - t)**2, axis=1)) - mean(sum(t * log_p, axis=1))   # Brier score and cross-entropy
