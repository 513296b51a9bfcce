dim N, H
input x: real[N, 3, H, 8]
input s: real[N]
param w: real[4, 3, 3, 3]
param v: real[5, 1, 3, 3]
param b: real[3]
a = conv2d(x, w, stride=0)
c = conv2d(x, w, padding=-1)
d = conv2d(x, w, stride=(1, 2, 3))
e = conv2d(x, w, dilation=N)
f = conv2d(x, v, groups=3)
g = conv2d(x, weight=w, bias=b)
q = max_pool2d(x, kernel_size=2)
h = max_pool2d(x, 3, padding=2)
i = avg_pool2d(x, 0)
j = max_pool2d(x)
k = dropout(x, 1.5)
l = dropout(x, s)
m = batch_norm(x, b, b, mean=b)
n = batch_norm(x, b, b, training=true)
o = batch_norm(x, b, b, eps=0)
p = batch_norm(s, b, b)
r = conv2d(x, w, padding="full")
t = conv2d(x, w, padding="same", stride=2)
output y = x
