dim N
input x: real[N, N]
output f = einsum("ijk->i", x)
