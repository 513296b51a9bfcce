# Five sigmoid layers without a loss: backward takes the cotangent of y.
model deep_sigmoid

dim n0, n1, n2, n3, n4, n5
input x: real[n0]
param W1: real[n1, n0]
param W2: real[n2, n1]
param W3: real[n3, n2]
param W4: real[n4, n3]
param W5: real[n5, n4]

output y = sigmoid(W5 @ sigmoid(W4 @ sigmoid(W3 @ sigmoid(W2 @ sigmoid(W1 @ x)))))
grad y wrt W1, W2, W3, W4, W5
