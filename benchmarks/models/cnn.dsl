# Two convolutions, a max pool, a linear layer.
model cnn

dim N, S, C1, C2, K                        # images, half their side, channels, classes
input x: real[N, 1, 2*S, 2*S]
input y: int[N] in range(K)
param K1: real[C1, 1, 3, 3] = kaiming()
param b1: real[C1]
param K2: real[C2, C1, 3, 3] = kaiming()
param b2: real[C2]
param W: real[S*S*C2, K] = xavier()
param b: real[K]

h1 = relu(conv2d(x, K1, b1, padding=1))
h2 = max_pool2d(relu(conv2d(h1, K2, b2, padding=1)), 2)
loss L = mean(cross_entropy(reshape(h2, N, C2*S*S) @ W + b, y))
