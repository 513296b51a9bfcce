"""Models in which random search found something wrong, at their smallest."""

from __future__ import annotations

FOUND: dict[str, str] = {
    "the other branch keeps no array to tell a dim": """dim T, M
dim K = 3
dim N
input sizes: bool[T, N, M]
input e: real[T]
param b: real[K]
if b[0] < 0.8:
    v = e
else:
    v = 0.3 * einsum("ij,j->i", 0.3 * einsum("ik,kj->ij", full((T, M), 0.3), zeros(M, K) + b), b)
loss L = sum(sin(0.3 + v) * (0.4 + tanh(v)))
""",
    "every second step of a checkpointed loop": """dim T, N
input W: real[T, N, N]
total = 0.2
h = W[0]
while total < 1.3 max 6:
    total += 0.5
    var s: real[N]
    for t in range(0, N, 2) checkpoint:
        s[N - 1 - t] = 0.3
    h = sin(h) + 0.5 * s
loss L = sum(h)
grad L wrt W
""",
    "a range by data, and a condition of it": """dim T
input n: int in range(T + 1)
param x: real[T]
s = 0.0
for t in range(n):
    if t < n:
        s += sin(x[t]) if t > 0 and n > t else 2 * x[t]
for t in range(n, T):
    if n < t:
        s += x[t] ** 2
loss L = s
""",
    "a condition of a loop that depends on nothing": """param x: real[3]
if sum(0.4 * 0.3 for i in range(2)) > 0.1:
    y = sin(x)
else:
    y = x
loss L = sum(y)
""",
    "both branches give a broadcast array, which is no memory to write to": """dim T, N
input flag: bool
param A: real[N]
param B: real[T, N]
if flag:
    v = broadcast_to(sin(A) + 1, (T, N))
else:
    v = broadcast_to(cos(A) - 2, (T, N))
w = tanh(v * 0.5 + 1)
loss L = sum(w * B)
""",
    "the last step of a loop gives a broadcast array": """dim T, N
input n: int in range(T + 1)
param A: real[N]
param B: real[T, N]
v = B
for t in range(n):
    v = broadcast_to(sin(A * v[0]), (T, N))
w = tanh(v * 0.5 + 1)
loss L = sum(w * B)
""",
    "the logsumexp of equal numbers, added up": """dim T, N
dim M
input sizes: bool[T, N, M]
param x: real
v = sum(0.4 * logsumexp(full((N, T, T), 0.3), axis=0) for i in range(N))
loss L = sum(tanh(v) ** 2) * x
""",
    "a difference that does not fit what stands beside it": """dim T, M
dim K = 3
param h: real[M, T]
loss L = sum(tanh(logsumexp(zeros(K, T) + 0.2, axis=0) + 0.5 * h))
""",
    "what one branch keeps, in a loop whose steps don't need each other": """dim T, M
param b: real[T, M]
h = b
for i in range(T):
    k = 0.4 * b
    for t in range(1, T):
        k = k if t % 2 == 0 else 0.7 * k + 0.1 * tanh(k)
    h = tanh(k + 0.5 * h)
loss L = sum(tanh(h) ** 2)
""",
    "what a loop without steps would read, in a loop in it": """dim T
param x: real[T]
s = 0
for q in range(T - 2):
    h = x[q]
    for i in range(T):
        for j in range(T - 2):
            h = tanh(h * x[2] + x[i])
    s += h
for i in range(T):
    h = x[i]
    for j in range(T - 2):
        h = tanh(h * x[i])
    s += h
loss L = s
""",
    "a side of a branch in which a branch does nothing": """dim N
dim K = 3
param p: real[N, K]
def f(a: real[K]):
    v = 0.5 * (zeros(N) + 0.2) @ roll(clip(broadcast_to(0.2, (N,)), -0.7, 0.9), 1, axis=-1)
    return 0.5 * v, (logsumexp(zeros(K, K) + a, axis=1) if v > -0.2 else (a if v > 0.1 else a))
v4, v5 = f(silu(p[-1]))
loss L = sum(tanh(v5)**2)
""",
    "the largest of rows that are broadcast": """dim N, M
param x: real[N, M]
loss L = sum(tanh(logsumexp(broadcast_to(x, (100, N, M)), axis=-1))) / 100
""",
}
