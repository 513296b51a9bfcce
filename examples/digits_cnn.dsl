# Two convolutions, a max pool, dropout before the last layer.
model digits_cnn

dim N, C1, C2              # images; channels of the first and the second convolution

input x: real[N, 1, 8, 8]  # images, one channel
input y: int[N] in range(10)

param K1: real[C1, 1, 3, 3] = kaiming()
param b1: real[C1]
param K2: real[C2, C1, 3, 3] = kaiming()
param b2: real[C2]
param W: real[4*C2, 10] = xavier()
param b: real[10]

h1 = silu(conv2d(x, K1, b1, stride=2, padding=1))        # real[N, C1, 4, 4]
h2 = max_pool2d(relu(conv2d(h1, K2, b2, padding=1)), 2)  # real[N, C2, 2, 2]
features = dropout(reshape(h2, N, 4 * C2), 0.3)
logits = features @ W + b

output p = softmax(logits)
loss L = mean(cross_entropy(logits, y))
