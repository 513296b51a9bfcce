dim N
input A: real[N, N]
input b: real[N]
input s: real
h = conv1d(b, b) + conv2d(A, A) + max_pool2d(A, 2) + avg_pool2d(A, 2)
i = jvp(s, s, s) + grad(s, s)
output f = s
