# Two layers of sigmoids, one example at a time.
model sigmoid

input x: real[3]
input y: real[2]
param W1: real[3, 4] = xavier()
param b1: real[4]
param W2: real[4, 2] = xavier()
param b2: real[2]
h = sigmoid(x @ W1 + b1)
p = sigmoid(h @ W2 + b2)
loss L = sum((p - y)**2)
