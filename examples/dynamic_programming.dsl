# How far two series are apart when time may be stretched: dynamic time warping with a soft minimum over all
# alignments, by dynamic programming. (Cuturi and Blondel: Soft-DTW, a differentiable loss function for time
# series, 2017.)
model dynamic_programming

dim N, M, D                                # steps of either series; numbers in a step
input gamma: real > 0                      # how soft; the minimum itself as gamma goes to 0
param x: real[N, D] = normal(0, 1)
param y: real[M, D] = normal(0, 1)

def softmin(a, b, c):
    return -gamma * logsumexp(-[a, b, c] / gamma)

var S: real[N+1, M+1]                      # the cost of aligning the first i steps with the first j
S[0, 0] = 0
for i in range(N):
    S[i+1, 0] = inf
for j in range(M):
    S[0, j+1] = inf
for i in range(N):
    for j in range(M):
        cost = sum((x[i] - y[j])**2)
        S[i+1, j+1] = cost + softmin(S[i, j], S[i, j+1], S[i+1, j])

loss L = S[N, M]
