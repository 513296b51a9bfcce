dim N
input x: real[N]
output k: int[N] = x
