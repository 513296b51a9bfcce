dim N, M, D, E
input x: real[N, D]
input y: real[M, E]
input s: real
input v: real[6]
a = reshape(v, 4, -1)
b = reshape(v, -1, -1)
c = broadcast_to(x, (N, 3))
d = concatenate((x, y), axis=1)
g = concatenate((s, s))
h = stack((x, y))
i = kl_div(s, s)
j = full((N, 2), v)
output f = s
