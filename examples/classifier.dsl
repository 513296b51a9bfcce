# Two-layer classifier, softmax cross-entropy, L1 and L2 weight decay.
model classifier

dim N, D, H                       # bound at run time, from the shapes of the arguments
dim K = 10                        # a constant of the compilation; `-D K=20` overrides it

input x: real[N, D]
input y: int[N] in range(K)       # class labels; checked at the boundary
param W1: real[D, H] = kaiming()
param b1: real[H] = zeros()
param W2: real[H, K] = xavier()
param b2: real[K] = zeros()
const decay = 1e-4
const sparsity = 1e-5

def linear(x, W, b):
    return x @ W + b

h = relu(linear(x, W1, b1))
logits = linear(h, W2, b2)

output p = softmax(logits)
l1 = sum(abs(W1)) + sum(abs(W2))
l2 = sum(W1**2) + sum(W2**2)
loss L = mean(cross_entropy(logits, y)) + sparsity * l1 + decay * l2
