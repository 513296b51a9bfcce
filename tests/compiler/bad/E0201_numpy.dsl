dim N
input x: real[N]
a = np.pi * x
b = x / x.shape[0]
c = x / x.size
d = x.mean
e1 = x.foo
output f = sum(x, keepdims=True)
