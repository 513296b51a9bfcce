"""Models of many kinds, for derivatives along many directions: products, Jacobians, Hessians.

Each is small, has sizes that differ, and runs on arguments drawn from the unit interval.

>>> sorted(kind for kind in {model.kind for model in MODELS.values()})
['loss', 'values']
"""

from __future__ import annotations

from dataclasses import dataclass

SIZES = {"N": 4, "D": 3, "H": 5, "K": 2, "T": 6, "V": 7}


@dataclass(frozen=True)
class DirectionModel:
    """`loops` is whether the derivative along all directions has to loop: the model itself does."""

    text: str
    loops: bool = False

    @property
    def kind(self) -> str:
        return "values" if "grad " in self.text else "loss"


def _model(text: str, loops: bool = False) -> DirectionModel:
    return DirectionModel(text.strip() + "\n", loops)


MODELS: dict[str, DirectionModel] = {
    "classifier": _model("""
dim N, D, H, K
input x: real[N, D]
param W1: real[D, H]
param b1: real[H]
param W2: real[H, K]
param b2: real[K]
output p = softmax(tanh(x @ W1 + b1) @ W2 + b2)
grad p wrt W1, b1, W2, b2
"""),
    "classifier_loss": _model("""
dim N, D, H, K
input x: real[N, D]
input y: int[N] in range(K)
param W1: real[D, H]
param b1: real[H]
param W2: real[H, K]
param b2: real[K]
loss L = mean(cross_entropy(relu(x @ W1 + b1) @ W2 + b2, y)) + 0.1 * sum(W1**2)
"""),
    "layer_norm": _model("""
dim N, D, K
input x: real[N, D]
param W: real[D, K]
param g, b: real[K]
z = x @ W
m = mean(z, axis=1, keepdims=true)
v = mean((z - m)**2, axis=1, keepdims=true)
output y = g * (z - m) / sqrt(v + 0.01) + b
grad y wrt W, g, b
"""),
    "convolution": _model("""
dim N, K
input x: real[N, 2, 6, 6]
param F: real[K, 2, 3, 3]
param b: real[K]
output y = tanh(conv2d(x, F, b))
grad y wrt F, b
"""),
    "einsum": _model("""
dim N, D, K
input x: real[N, D]
param A: real[D, D]
param B: real[K, D, D]
output q = einsum("ni,ij,nj->n", x, A, x)
output r = einsum("ni,kij,nj->nk", x, B, x) + q[:, None]
grad r wrt A, B
"""),
    "gather": _model("""
dim N, D, V
input w: int[N] in range(V)
param E: real[V, D]
param u: real[D]
output s = tanh(E[w]) @ u + E[0] @ E[1]
grad s wrt E, u
"""),
    "logistic": _model("""
dim N, D
input x: real[N, D]
input y: real[N]
param w: real[D]
loss L = sum(w**2) / 2 + sum(softplus(-y * (x @ w)))
"""),
    "logistic_bias": _model("""
dim N, D
input x: real[N, D]
input y: real[N]
param w: real[D]
param b: real
loss L = mean(softplus(-y * (x @ w + b)))
"""),
    "softmax_regression": _model("""
dim N, D, K
input x: real[N, D]
input y: int[N] in range(K)
param W: real[D, K]
param b: real[K]
loss L = mean(cross_entropy(x @ W + b, y))
"""),
    "mixture": _model("""
dim N, D, K
input x: real[N, D]
param alpha: real[K]
param mu: real[K, D]
param s: real[K]
d = sum((x[:, None, :] - mu[None, :, :])**2, axis=2)
log_p = logsumexp(alpha - D * s - 0.5 * exp(-2 * s) * d, axis=1)
loss L = -sum(log_p) + N * logsumexp(alpha)
"""),
    "rosenbrock": _model("""
dim N
param x: real[N]
loss f = sum(100 * (x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)
"""),
    "tridiagonal": _model("""
dim N
param x: real[N]
output r = (3 - 2 * x[1:-1]) * x[1:-1] - x[:-2] - 2 * x[2:] + 1
grad r wrt x
"""),
    "scalars_and_arrays": _model("""
dim N, D
input x: real[N, D]
param a, c: real
param w: real[D]
output y = a * exp(-c * (x @ w)**2) + w[0]
grad y wrt a, w, c
"""),
    "curve": _model("""
dim N
input x: real[N]
param b: real[3]
output y = b[0] * (1 - exp(-b[1] * x)) + b[2] * x**2
grad y wrt b
"""),
    "branching": _model("""
dim N, D
input x: real[N, D]
param w: real[D]
param lo, hi: real
z = x @ w
output y = where(z > 0.5, clip(z, lo, hi), maximum(z, lo)**2)
grad y wrt w, lo, hi
"""),
    "roots_and_logs": _model("""
dim N, D
input x: real[N, D]
param w: real[D] > 0
param s: real > 0
z = x @ w + s
output y = log(z) * sqrt(z) / (s + z**2)
grad y wrt w, s
"""),
    "norms": _model("""
dim N, D
input x: real[N, D]
param W: real[D, D]
loss L = sum(norm(x @ W, axis=1)) + trace(W @ W.T) + prod(diag(W))
"""),
    "linear_algebra": _model("""
dim N
input y: real[N]
param A: real[N, N]
S = A @ A.T + eye(N)
L_ = cholesky(S)
u = solve(S, y)
loss f = dot(y, u) + logdet(S)
"""),
    "attention": _model("""
dim N, D, K
input x: real[N, D]
param Q, R, U: real[D, K]
a = softmax((x @ Q) @ (x @ R).T / sqrt(K))
output y = a @ (x @ U)
grad y wrt Q, R, U
"""),
    "cumulative": _model("""
dim N
param x: real[N]
output y = cumsum(exp(x)) * flip(x)
grad y wrt x
"""),
    "extremes": _model("""
dim N, D
input x: real[N, D]
param W: real[D, D]
loss L = sum(max(x @ W, axis=1)) + max(W)
"""),
    "special": _model("""
dim N
param x: real[N] > 0
loss L = sum(lgamma(x) + erf(x) * digamma(x))
"""),
    "recurrence": _model(
        """
dim T, D, H
input x: real[T, D]
param W: real[D, H]
param U: real[H, H]
param b: real[H]
h = zeros(H)
for t in range(T):
    h = tanh(x[t] @ W + h @ U + b)
loss L = sum(h**2)
""",
        loops=True,
    ),
    "stacked_steps": _model(
        """
dim T, D, H
input x: real[T, D]
param U: real[H, H]
param W: real[D, H]
var hs: real[T, H]
h = zeros(H)
for t in range(T):
    h = tanh(x[t] @ W + h @ U)
    hs[t] = h
output y = hs
grad y wrt U, W
""",
        loops=True,
    ),
    "sides": _model("""
dim N, D
input x: real[N, D]
param w: real[D]
s = mean(x @ w)
if s > 0.5:
    r = exp(-s) * w
else:
    r = w * s**2
loss L = sum(r**2) + s
"""),
    "pairs": _model(
        """
dim N, D
param x: real[N, D]
e = 0.0
for i in range(N):
    for j in range(N):
        if i < j:
            e = e + 1 / (0.5 + sum((x[i] - x[j])**2))
loss L = e
""",
        loops=True,
    ),
}
