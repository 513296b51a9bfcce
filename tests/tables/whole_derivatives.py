"""Whole models that compute with derivatives; SymPy and differences are their reference."""

from __future__ import annotations

WHOLE = {
    "dropout in a loop": """dim T, D
input x: real[T, D]
param w: real[D]
h = zeros(D)
for t in range(T):
    h = tanh(dropout(h + x[t] * w, 0.4))
g = grad(sum(h**2), w)
loss L = sum(g**2) + sum(h)
""",
    "dropout": """dim N, D
input x: real[N, D]
param w: real[D]
h = dropout(tanh(x * w), 0.5)
g = grad(sum(h**2), w)
loss L = sum(g**2) + sum(h)
""",
    "while": """param a: real > 0.5 < 2
y = a
n = 0
while y < 40 max 20:
    y = y * (1 + a)
    n = n + 1
g = grad(y, a)
loss L = log(g) + g / 7
""",
    "newton while": """param a: real > 1 < 4
y = a
while abs(y**2 - a) > 1e-9 max 30:
    r = 0.5 * (y**2 - a)**2
    s = grad(r, y)
    y = y - (y**2 - a) / grad(y**2, y)
loss L = y**3
""",
    "var": """dim T
input x: real[T]
param a: real
var hs: real[T]
h = 0.0
for t in range(T):
    h = sin(a * h + x[t])
    hs[t] = h * a
E = sum(hs**2)
g = grad(E, a)
k = grad(sum(hs**3), hs)
loss L = g**2 + sum(k)
""",
    "hyper": """dim N, D
input x: real[N, D]
input y: real[N]
param w: real[D]
param lr: real > 0 < 0.2
def mse2(w):
    return mean((x @ w - y)**2)
z = w
for k in range(4):
    z = z - lr * grad(mse2(z), z)
hg = grad(mse2(z), lr)
loss L = hg**2 + mse2(z)
""",
    "checkpoint": """dim T, D
input x: real[T, D]
param w: real[D]
h = zeros(D)
for t in range(T) checkpoint:
    h = tanh(h * w + x[t])
g = grad(sum(h**2), w)
loss L = sum(g**2)
""",
    "batch norm": """dim N, D
input x: real[N, D]
param w, gamma, beta: real[D]
h = layer_norm(x * w, gamma, beta)
p = softmax(h)
g = grad(-sum(p * log(p)), gamma)
loss L = sum(g**2)
""",
    "adjoint in": """dim N
input x: real[N]
param w: real[N]
def f(a):
    return exp(sin(a))
adjoint f(a, d):
    u = a
    return d * grad(sum(exp(sin(u))), u)
loss L = sum(f(w * x)**2)
""",
    "adjoint twice": """param w: real
def f(a, b):
    return exp(a) * b**2
adjoint f(a, b, d):
    return d * exp(a) * b**2, 2 * d * exp(a) * b
y = f(w, w)
g = grad(y, w)
h = grad(g, w)
loss L = h**2 + g
""",
    "linalg": """dim D
input b: real[D]
param A: real[D, D]
S = A @ A.T + eye(D)
q = b @ solve(S, b) + log(det(S))
g = grad(q, A)
loss L = sum(g**2) + q
""",
    "linalg loop": """dim T, D
input b: real[T, D]
param A: real[D, D]
q = 0.0
for t in range(T):
    S = A @ A.T + diag(b[t]**2 + 1)
    q = q + log(det(S)) + norm(softmax(A @ b[t]))
g = grad(q, A)
loss L = sum(g**2) + q
""",
    "cholesky": """dim D
param A: real[D, D]
S = A @ A.T + eye(D)
C = cholesky(S)
g = grad(sum(log(C @ ones(D) + 20)), A)
loss L = sum(g * A)
""",
    "conv": """dim N
input x: real[N, 1, 7]
param w: real[2, 1, 3]
h = max_pool1d(tanh(conv1d(x, w)), 2)
g = grad(sum(h**2), x)
loss L = sum(g**2)
""",
    "third elementwise": """dim N
input x: real[N]
param a, b: real
u = exp(-a * x**2) * sin(b * x) + sqrt(1 + x**2) + log(2 + cos(x))
u1 = grad(sum(u), x)
u2 = grad(sum(u1), x)
u3 = grad(sum(u2), x)
loss L = mean((u3 + u * u1)**2)
""",
    "special": """dim N
input x: real[N]
param a: real > 0.5 < 3
u = lgamma(a * (1 + x**2)) + erf(a * x) + gelu(x * a) + softplus(a * x)
u1 = grad(sum(u), x)
u2 = grad(sum(u1), x)
loss L = mean(u2**2)
""",
    "jvp hvp": """dim N, D
input x: real[N, D]
input v: real[D]
param w: real[D]
E = sum(log(1 + exp(x @ w)))
g = grad(E, w)
hv = jvp(g, w, v)
t = jvp(hv, w, hv)
loss L = hv @ v + sum(t**2)
""",
    "jvp loop": """dim T, D
input x: real[T, D]
param w: real[D]
param a: real
h = zeros(D)
var hs: real[T, D]
for t in range(T):
    h = tanh(h * w + x[t] * a)
    hs[t] = h
d = jvp(hs, w, x[0])
loss L = sum(d**2) + sum(grad(sum(jvp(h, a, 1.0)**2), w)**2)
""",
    "branches": """dim N
input x: real[N]
input flag: bool
param w: real[N]
def energy(z):
    if flag:
        r = z * x
        return sum(r**3)
    return sum(exp(z))
z = w * 2
g = grad(energy(z), z)
if sum(x) > 0:
    k = grad(sum(g**2), z)
    c = g * k
else:
    c = grad(energy(w) * 2, w)
loss L = sum(c * x)
""",
    "nested loops": """dim T, D
input x: real[T, D]
param w: real[D]
param lr: real
z = w
total = 0.0
for t in range(T):
    for k in range(3):
        r = tanh(z @ x[t])
        z = z - 0.1 * lr * grad(r**2, z)
    total = total + grad(sum(z**2) * lr, z) @ x[t]
loss L = total + sum(z)
""",
    "gather": """dim N, V, D
input words: int[N] in range(V)
param E: real[V, D]
h = E[words]
g = grad(sum(tanh(h)**2), E)
gh = grad(sum(tanh(h)**2), h)
loss L = sum(g**2) + sum(gh**3)
""",
    "output predict": """dim N, H
input t: real[N]
input seen: real[N]
param w, v: real[H]
output u = tanh(t[:, None] * w) @ v
output u_t = grad(sum(u), t)
loss L = mean((u_t - seen)**2)
""",
    "vector target": """dim N, H
input t: real[N]
param w, v: real[H]
u = tanh(t[:, None] * w) @ v
output u_t = grad(sum(u), t)
grad u_t wrt w, v, t
""",
    "constant folded": """param w: real
const c = 1.5
y = c**2 * w
loss L = grad(y, c) + grad(c**3, c)
""",
    "reassigned in loop": """param a: real
p = a
q = 0.0
for k in range(4):
    p = p * 1.1 + 0.1
    s = p
    q = q + grad(p**2 * s, s) + grad(s**2 * p, p)
loss L = q
""",
    "labels that are used in a derivative only": """dim N, D, K
input x: real[N, D]
input y: int[N]
param W: real[D, K]
E = mean(cross_entropy(x @ W, y))
loss L = sum(grad(E, W)**2)
""",
    "assertions": """dim T
input x: real[T]
param a: real > 0.1 < 2
h = 1.0
for t in range(T):
    assert h > -100, "h is small"
    h = h * a + x[t]**2
g = grad(h**2, a)
assert g < 1e9
loss L = log(1 + g**2)
""",
    "two results under an adjoint": """dim N
input x: real[N]
param w: real[N]
def both(p, q):
    return sin(p) * q, p + q**2
adjoint both(p, q, d1, d2):
    return cos(p) * q * d1 + d2, sin(p) * d1 + 2 * q * d2
u, v = both(w, x * w)
g = grad(sum(u * v), w)
h = grad(sum(g**2), w)
loss L = sum(h * u)
""",
    "early return": """dim N
input x: real[N]
param a, b: real
def f(z, k):
    if k > 1.0:
        return z**3 * b
    elif k > 0.0:
        return sin(z) * b
    return exp(z)
def slope(z, k):
    return grad(f(z, k), z)
loss L = slope(a, sum(x)) + slope(a * b, 2.0)**2 + slope(b, -1.0)
""",
    "conditional": """param a, b: real
u = a * b
e = exp(u) * sin(a) if a > b else log(1 + u**2) * cos(a) * b
g = grad(e, u)
loss L = g * grad(g, a)
""",
    "where": """dim N
input x: real[N]
param w: real[N]
z = w * x
y = where(z > 0, sqrt(abs(z) + 1e-3), z**2)
g = grad(sum(y), z)
loss L = sum(grad(sum(g * w), z) * x) + sum(g)
""",
    "log determinant": """dim D
param A: real[D, D]
input B: real[D, D]
input v: real[D]
M = A @ A.T + B @ B.T + 2 * eye(D)
G = grad(logdet(M), M)
loss L = trace(jvp(G, M, outer(v, v))) + sum(G**2)
""",
    "a while in a function in a loop": """param a: real > 1 < 3
def root(c):
    y = c
    while abs(y * y - c) > 1e-12 max 40:
        y = 0.5 * (y + c / y)
    return y
total = 0.0
for i in range(3):
    c = a + i
    total = total + grad(root(c), c) * c
loss L = total**2
""",
    "generators": """dim N, D
input x: real[N, D]
param w: real[D]
E = sum(exp(-0.5 * sum((x[i] - w)**2)) for i in range(N))
m = max(x[i] @ w for i in range(N))
g = grad(log(E) + m, w)
loss L = sum(g**2) + E
""",
    "scalars": """param x, y: real
f = (1 - x)**2 + 100 * (y - x**2)**2
fx, fy = grad(f, x, y)
loss L = (grad(fx, x) * grad(fy, y) - grad(fx, y)**2) / 1000 + fx * fy / 1e4
""",
}
