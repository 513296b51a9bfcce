# h = W h, T times: its gradient by the first h grows or shrinks like the spectral radius of W to the power T.
# (Pascanu, Mikolov and Bengio: On the difficulty of training recurrent neural networks, 2013.)
model matrix_recurrence

dim N
input T: int >= 0
input target: real[N]
param W: real[N, N] = orthogonal()
param h0: real[N] = normal(0, 1)

h = h0
for t in range(T):
    h = W @ h

output h
loss f = sum((h - target)**2) / 2
