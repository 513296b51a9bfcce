# Three matrices and a vector, multiplied as they are written: from the left it is costly.
model chain

dim N, M, P, Q
param A: real[N, M]
param B: real[M, P]
param C: real[P, Q]
input v: real[Q]
input target: real[N]

r = A @ B @ C @ v - target
loss L = 0.5 * dot(r, r)
