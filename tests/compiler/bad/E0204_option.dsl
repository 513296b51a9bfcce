dim N
input x: real[N]
output f = sum(x, keepdims=x)
