dim N, H
input x: real[N, 3, H, 8]
input s: real[N, 3, H]
param w: real[4, 2, 3, 3]
param v: real[4, 3, 3, 9]
param k: real[4, 3, 3]
param b: real[3]
a = conv2d(x, w)
c = conv2d(x, v)
d = conv2d(s, k, b)
e = conv1d(s, k, b)
f = conv1d(s, v)
g = conv2d(x, w, groups=2)
h = max_pool2d(x, (2, 9))
i = max_pool2d(x[0, 0], 2)
l = batch_norm(x, b, b, b, k[:, 0, 0])
output y = x
