dim N
input A: real[N, N]
input b: real[N]
input s: real
i = jvp(s, s, s) + grad(s, s)
output f = s
