dim N
dim N = 3
input M: real[N]
N = 3
h = M + 1
h = sum(h)
output h = h
output g = h[0]
param L: real
loss L = L**2
