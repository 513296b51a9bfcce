# Two-layer classifier, softmax cross-entropy, L2 weight decay.
model classifier

dim N, D, H                       # bound at run time, from the shapes of the arguments
dim K = 10                        # a constant of the compilation; `-D K=20` overrides it

input x: real[N, D]
input y: int[N] in range(K)       # class labels; checked at the boundary
param W1: real[D, H] = kaiming()  # what follows '=' feeds init_params()
param b1: real[H] = zeros()
param W2: real[H, K] = xavier()
param b2: real[K] = zeros()
const decay = 1e-4

def linear(x, W, b):
    return x @ W + b

h = relu(linear(x, W1, b1))
logits = linear(h, W2, b2)

output p = softmax(logits)
loss L = mean(cross_entropy(logits, y)) + decay * (sum(W1**2) + sum(W2**2))
