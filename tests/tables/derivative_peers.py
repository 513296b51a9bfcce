"""Models of many kinds, for derivatives of every kind: each gives y, of any shape, from its params.

    model = MODELS["poisson"]
    model.vector      the file that differentiates y
    model.scalar      the file that differentiates a number made of y
    model.given()     values for the arguments, by name

They read as JAX does (see jax_reading), and none is at a kink where the arguments are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np
from autodiffc.api import program_of
from autodiffc.compiler.model import Argument, Program
from autodiffc.grammar.source import Source

Array = Any


@dataclass(frozen=True)
class Model:
    """Lines that define y, and how large the dims are."""

    name: str
    text: str
    sizes: Mapping[str, int]

    @cached_property
    def program(self) -> Program:
        return program_of(Source("model.dsl", self.text + "output y\n"))

    @property
    def all_sizes(self) -> dict[str, int]:
        return {**self.sizes, **self.program.constants}

    @property
    def wrt(self) -> tuple[str, ...]:
        return tuple(a.name for a in self.program.params)

    @property
    def is_scalar(self) -> bool:
        return self.program.graph.output("y").rank == 0

    @property
    def vector(self) -> str:
        return f"{self.text}output y\ngrad y wrt {', '.join(self.wrt)}\n"

    @property
    def scalar(self) -> str:
        value = "y" if self.is_scalar else "0.5 * sum((y - 0.3)**2)"
        return f"{self.text}loss L = {value}\ngrad L wrt {', '.join(self.wrt)}\n"

    def given(self) -> dict[str, Array]:
        """Values of all arguments by name, the same at each call."""
        rng = np.random.default_rng(crc32(self.name.encode()))
        return {a.name: self._value(a, rng) for a in self.program.arguments}

    def _value(self, argument: Argument, rng: np.random.Generator) -> Array:
        shape = tuple(dim.evaluate(self.sizes) for dim in argument.type.shape)
        if argument.range is not None:
            low, high = (dim.evaluate(self.sizes) for dim in argument.range)
            found: Array = rng.integers(low, high, shape)
        elif argument.type.kind == "bool":
            found = rng.random(shape) < 0.5
        else:
            low, high = argument.interval
            positive = low >= 0.0
            found = (
                rng.uniform(low + 0.3, min(high, low + 1.5), shape) if positive else rng.normal(0, 0.6, shape)
            )
        return found if shape else found.item() if hasattr(found, "item") else found


def _models(text: str) -> Iterator[Model]:
    """Models of a text: `== name: N=3, D=2` heads each."""
    for block in text.split("== ")[1:]:
        head, _, lines = block.partition("\n")
        name, _, sizes = head.partition(":")
        pairs = (size.split("=") for size in sizes.split(",") if size)
        yield Model(name, lines.rstrip() + "\n", {dim.strip(): int(size) for dim, size in pairs})


NETWORKS = """\
== perceptron: N=6, D=4, H=5, O=3
dim N, D, H, O
input x: real[N, D]
param W: real[D, H]
param b: real[H]
param V: real[H, O]
y = tanh(x @ W + b) @ V
== classifier: N=7, D=4, C=5
dim N, D, C
input x: real[N, D]
input label: int[N] in range(C)
param W: real[D, C]
param b: real[C]
z = x @ W + b
y = logsumexp(z, axis=1) - z[arange(N), label]
== residual blocks: N=4, D=6
dim N, D
input x: real[N, D]
param W: real[D, D]
param g: real[D]
h = x + silu(x @ W)
mu = mean(h, axis=1, keepdims=true)
s = sqrt(mean((h - mu)**2, axis=1, keepdims=true) + 1e-5)
n = (h - mu) / s * g
y = n + gelu(n @ W.T)
== attention: T=5, D=4, H=3
dim T, D, H
input x: real[T, D]
param Q, R: real[D, H]
param V: real[D, D]
y = softmax((x @ Q) @ (x @ R).T / sqrt(H)) @ (x @ V)
== convolution of images: N=2, A=5, B=6
dim N, A, B
input x: real[N, 2, A, B]
param w: real[3, 2, 3, 3]
param b: real[3]
y = avg_pool2d(softplus(conv2d(x, w, b, stride=1, padding=1)), 2)
== strided convolution of signals: T=11
dim T
param x: real[2, 3, T]
param w: real[4, 3, 3]
y = tanh(conv1d(x, w, stride=2, padding=1))
== recurrent: T=6, N=2, D=3, H=4
dim T, N, D, H
input x: real[T, N, D]
param W: real[D, H]
param U: real[H, H]
h = zeros((N, H))
for t in range(T):
    h = tanh(x[t] @ W + h @ U)
y = h
== gated recurrent: T=5, D=3, H=3
dim T, D, H
input x: real[T, D]
param W, U: real[D, H]
param A, B: real[H, H]
var hs: real[T, H]
h = zeros((H))
for t in range(T):
    z = sigmoid(x[t] @ W + h @ A)
    h = (1 - z) * h + z * tanh(x[t] @ U + (z * h) @ B)
    hs[t] = h
y = hs
== mixture density: N=6, C=3
dim N, C
input x, t: real[N]
param a, m, s: real[C]
u = (t[:, None] - m - x[:, None] * a) * exp(-s)
y = logsumexp(log_softmax(a) - s - 0.5 * u**2, axis=1)
== variational: N=5, H=3
dim N, H
input x: real[N, H]
param mu, logvar: real[H]
z = mu + exp(0.5 * logvar) * x
y = sum(log1p(exp(z))) - 0.5 * sum(1 + logvar - mu**2 - exp(logvar))
== contrastive: N=5, D=4
dim N, D
param U, V: real[N, D]
u = U / norm(U, axis=1, keepdims=true)
v = V / norm(V, axis=1, keepdims=true)
S = u @ v.T / 0.5
y = logsumexp(S, axis=1) - sum(u * v, axis=1) / 0.5
== word vectors: V=9, D=3, T=6
dim V, D, T
input word, context: int[T] in range(V)
param E, F: real[V, D]
y = log_sigmoid(sum(E[word] * F[context], axis=1))
"""

ALGEBRA = """\
== equations: N=5
dim N
param A: real[N, N]
param b: real[N]
y = solve(A + 4 * eye(N), b)
== many equations: B=3, N=3, M=2
dim B, N, M
param A: real[B, N, N]
param C: real[N, M]
y = solve(A + 3 * eye(N), broadcast_to(C, (B, N, M)))
== inverse: N=4
dim N
param A: real[N, N]
y = inv(A @ A.T + eye(N))
== log-determinant: N=5
dim N
param A: real[N, N]
s, l = slogdet(A + 3 * eye(N))
y = l * s + trace(A @ A)
== determinant: N=4
dim N
param A: real[N, N]
y = det(A + eye(N))
== factor: N=4
dim N
param A: real[N, N]
y = cholesky(A @ A.T + eye(N))
== Gaussian process: N=8, D=2
dim N, D
input x: real[N, D]
input t: real[N]
param scale: real[D]
param amplitude, noise: real
u = x * exp(scale)
d = sum((u[:, None, :] - u[None, :, :])**2, axis=2)
S = exp(amplitude - 0.5 * d) + exp(noise) * eye(N)
F = cholesky(S)
z = solve_triangular(F, t, lower=true)
y = 0.5 * sum(z * z) + sum(log(diag(F)))
== Kalman filter: T=6
dim T
input z: real[T]
param A: real[2, 2]
param q, r: real
m = zeros((2))
C = eye(2)
l = 0.0
for t in range(T):
    m = A @ m
    C = A @ C @ A.T + exp(q) * eye(2)
    s = C[0, 0] + exp(r)
    v = z[t] - m[0]
    g = C[:, 0] / s
    m = m + g * v
    C = C - outer(g, C[0])
    l = l + log(s) + v * v / s
y = l
== power of a matrix: N=4
dim N
param A: real[N, N]
v = full((N), 1.0)
for t in range(6):
    v = A @ v
    v = v / sqrt(v @ v)
y = v
== bilinear: N=4, A=3, B=2, C=3
dim N, A, B, C
param x: real[N, A]
param T: real[A, B, C]
param z: real[N, C]
y = einsum("ni,ijk,nk->nj", x, T, z)
== triple contraction: A=2, B=3, C=4
dim A, B, C
param U: real[A, B]
param V: real[B, C]
param W: real[C, A]
y = einsum("ij,jk,ki->i", U, V, W) + sum(U**3)
== Schur complement: N=3, M=2
dim N, M
param A: real[N, N]
param B: real[N, M]
y = eye(M) * 2 + B.T @ solve(A @ A.T + eye(N), B)
== canonical angles: N=6
dim N
param A: real[N, 2]
param B: real[N, 2]
G = solve(A.T @ A, A.T @ B)
y = trace(G.T @ G) + logdet(B.T @ B)
"""

PROCESSES = """\
== square root by iteration:
param a: real > 1
x = 1.0 * a
while abs(x * x - a) > 1e-3 max 50:
    x = 0.5 * (x + a / x)
y = x
== branch: N=5
dim N
input chosen: bool
param w: real[N]
if chosen:
    z = sum(w**3)
else:
    z = sum(sin(w) * w)
y = z * w
== filter: N=12
dim N
input x: real[N]
param a: real > 0 < 1
param b: real
s = b * x
for i in range(1, N):
    s[i] = a * s[i-1] + (1 - a) * s[i]
y = s
== soft alignment: N=5, M=4
dim N, M
param a: real[N]
param b: real[M]
var c: real[N+1, M+1]
for i in range(1, N + 1):
    c[i, 0] = 10.0 * i
for j in range(1, M + 1):
    c[0, j] = 10.0 * j
for i in range(1, N + 1):
    for j in range(1, M + 1):
        best = logaddexp(logaddexp(-c[i-1, j], -c[i, j-1]), -c[i-1, j-1])
        c[i, j] = (a[i-1] - b[j-1])**2 - best
y = c[N, M]
== hidden states: T=7, S=3, V=4
dim T, S, V
input seen: int[T] in range(V)
param A: real[S, S]
param B: real[S, V]
move = log_softmax(A, axis=1)
show = log_softmax(B, axis=1)
f = show[:, seen[0]]
for t in range(1, T):
    f = logsumexp(f[:, None] + move, axis=0) + show[:, seen[t]]
y = logsumexp(f)
== running products: N=7
dim N
param x: real[N] > 0
y = cumprod(x) + flip(cumsum(x**2), 0) * roll(x, 2, 0)
== recurrence of second order:
dim T = 10
param a, b, c: real
p = 0.0 * a
q = c
for t in range(T):
    r = sin(a * q + b * p)
    p = q
    q = r
y = q
== counts: T=9, V=4
dim T, V
input word: int[T] in range(V)
param w: real[T]
param s: real[V]
var n: real[V]
for t in range(T):
    n[word[t]] += exp(w[t])
y = log(1 + n) * s
== sites of a chain: T=6, H=2
dim T, H
param x: real[T, H]
var s: real[T, H]
s[0] = x[0]
for t in range(1, T):
    s[t] = tanh(s[t-1]) + x[t]**2
y = s[T-1] * s[0]
"""

STATISTICS = """\
== beta regression: N=7, D=2
dim N, D
input x: real[N, D]
input t: real[N] > 0 < 1
param w: real[D]
param phi: real
m = sigmoid(x @ w)
p = exp(phi) * m
q = exp(phi) * (1 - m)
y = (p - 1) * log(t) + (q - 1) * log(1 - t) - lbeta(p, q)
== counts with dispersion: N=7
dim N
input x: real[N]
input n: int[N] in range(6)
param a, b, s: real
r = exp(s)
mu = exp(a + b * x)
y = lgamma(n + r) - lgamma(r) + r * log(r / (r + mu)) + n * log(mu / (r + mu))
== probit: N=8, D=3
dim N, D
input x: real[N, D]
input t: bool[N]
param w: real[D]
z = x @ w
y = log(ndtr(where(t, z, -z)))
== Student's t: N=8
dim N
input x: real[N]
param m, s, v: real
n = 1 + exp(v)
y = lgamma((n + 1) / 2) - lgamma(n / 2) - 0.5 * log(n) - s - (n + 1) / 2 * log1p(((x - m) * exp(-s))**2 / n)
== digammas: N=5
dim N
param a: real[N] > 0
total = digamma(sum(a))
y = digamma(a) - total + erf(a) * erfc(a[0])
== correlations: N=8, D=3
dim N, D
param x: real[N, D]
c = x - mean(x, axis=0)
s = std(x, axis=0)
y = c.T @ c / N / outer(s, s)
== skewness: N=9
dim N
param x: real[N]
c = x - mean(x)
y = mean(c**3) / var(x)**1.5 + mean(c**4) / var(x)**2
== proportional hazards: N=9, D=2
dim N, D
input x: real[N, D]
input failed: bool[N]
param w: real[D]
s = x @ w
risk = log(cumsum(exp(s)))
y = sum(where(failed, s - risk, 0.0))
== tweedie: N=6
dim N
input x, t: real[N] > 0
param a, p: real
m = exp(a * x)
q = 1 + sigmoid(p)
y = t * m**(1 - q) / (1 - q) - m**(2 - q) / (2 - q)
== ordered logits: N=8, C=4
dim N, C
input x: real[N]
input t: int[N] in range(C)
param w: real
param gap: real[C-1]
cut = cumsum(exp(gap)) - 2
upper = concatenate((cut, full((1), 40.0)))
lower = concatenate((full((1), -40.0), cut))
y = log(sigmoid(upper[t] - w * x) - sigmoid(lower[t] - w * x))
"""

SCIENCE = """\
== predator and prey:
dim T = 8
param a, b, c, d: real > 0
param z: real[2] > 0
def rate(z, a, b, c, d):
    return stack((a * z[0] - b * z[0] * z[1], c * z[0] * z[1] - d * z[1]))
var path: real[T, 2]
s = 1.0 * z
for t in range(T):
    k1 = rate(s, a, b, c, d)
    k2 = rate(s + 0.05 * k1, a, b, c, d)
    k3 = rate(s + 0.05 * k2, a, b, c, d)
    k4 = rate(s + 0.1 * k3, a, b, c, d)
    s = s + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    path[t] = s
y = path
== double pendulum:
dim T = 6
param q, p: real[2]
u = 1.0 * q
v = 1.0 * p
for t in range(T):
    c = cos(u[0] - u[1])
    s = sin(u[0] - u[1])
    f = stack((-(s * v[1]**2) - 2 * sin(u[0]), s * v[0]**2 - sin(u[1])))
    M = eye(2) + outer(stack((1.0, 0.0)), stack((1.0, c))) + outer(stack((0.0, 1.0)), stack((c, 0.0)))
    v = v + 0.05 * solve(M, f)
    u = u + 0.05 * v
y = concatenate((u, v))
== bodies: N=4
dim N
param x: real[N, 3]
param m: real[N] > 0
d = x[:, None, :] - x[None, :, :]
r2 = sum(d**2, axis=2) + 0.01
y = -einsum("ij,ijk,j->ik", r2**(-1.5), d, m)
== stiff oscillator:
dim T = 4
param mu: real > 0
param z: real[2]
s = 1.0 * z
for t in range(T):
    n = s
    for i in range(4):
        r = stack((n[0] - s[0] - 0.1 * n[1], n[1] - s[1] - 0.1 * (mu * (1 - n[0]**2) * n[1] - n[0])))
        a = stack((1.0, -0.1))
        b = stack((0.1 + 0.2 * mu * n[0] * n[1], 1 - 0.1 * mu * (1 - n[0]**2)))
        n = n - solve(stack((a, b)), r)
    s = n
y = s
== Bratu: N=12
dim N
param u: real[N]
param c: real
p = pad(u, 1)
y = p[2:] - 2 * u + p[:-2] + c * exp(u)
== poisson: A=5, B=6
dim A, B
param u: real[A, B]
input f: real[A, B]
p = pad(u, 1)
y = 4 * u - p[2:, 1:-1] - p[:-2, 1:-1] - p[1:-1, 2:] - p[1:-1, :-2] + u**3 - f
== heat: N=9
dim N
dim T = 5
param u: real[N]
param k: real[N+1] > 0
w = 1.0 * u
for t in range(T):
    p = pad(w, 1)
    flux = k * (p[1:] - p[:-1])
    w = w + 0.2 * (flux[1:] - flux[:-1])
y = w
== Burgers: N=14
dim N
param u: real[N]
param nu: real > 0
left = roll(u, 1, 0)
right = roll(u, -1, 0)
y = -u * (right - left) / 2 + nu * (right - 2 * u + left)
== bars: N=5, M=7
dim N, M
input a, b: int[M] in range(N)
input stiffness: real[M] > 0
param u: real[N, 2]
d = u[a] - u[b]
y = stiffness * (sqrt(sum(d**2, axis=1) + 0.1) - 0.5)
== forces of bars: N=6, M=8
dim N, M
input a, b: int[M] in range(N)
param u: real[N]
var force: real[N]
for i in range(M):
    t = tanh(u[a[i]] - u[b[i]])
    force[a[i]] += t
    force[b[i]] += -t
y = force
== minimal surface: A=5, B=4
dim A, B
param z: real[A, B]
dx = z[1:, :-1] - z[:-1, :-1]
dy = z[:-1, 1:] - z[:-1, :-1]
y = sum(sqrt(1 + dx**2 + dy**2))
== refraction: N=5
dim N
input h: real[N] > 0 < 1
param n, c: real > 1
param f: real
s = 0.2 * h * c / 3
t = arcsin(s) - arcsin(s / n)
u = arctan2(h - f * tan(t), 10 + cos(t))
y = h - f * sin(t) / sqrt(1 - s**2) + u
== thin films: M=3, W=4
dim M, W
input k: real[W] > 0
param n, d: real[M] > 0
A = full((W), 1.0)
B = zeros((W))
C = zeros((W))
D = full((W), 1.0)
for i in range(M):
    p = n[i] * d[i] * k
    c = cos(p)
    s = sin(p)
    a = A * c - B * s * n[i]
    b = A * s / n[i] + B * c
    g = C * c + D * s * n[i]
    D = D * c - C * s / n[i]
    A = a
    B = b
    C = g
y = ((A - D)**2 + (B - C)**2) / ((A + D)**2 + (B + C)**2)
== lost phases: N=7
dim N
param x: real[N]
w = outer(arange(N), arange(N)) * (2 * pi / N)
y = (cos(w) @ x)**2 + (sin(w) @ x)**2
== enzyme: N=6
dim N
input s: real[N] > 0
param v, m, i: real > 0
param h: real > 1
y = v * s**h / (m**h + s**h * (1 + s / i))
== camera: N=3, M=5
dim N, M
input of: int[M] in range(N)
input who: int[M] in range(3)
param pose: real[N, 6]
param point: real[3, 3]
r = pose[of, :3]
t2 = sum(r**2, axis=1, keepdims=true) + 1e-12
t = sqrt(t2)
w = r / t
x = point[who]
cross = stack((w[:, 1] * x[:, 2] - w[:, 2] * x[:, 1], w[:, 2] * x[:, 0] - w[:, 0] * x[:, 2], w[:, 0] * x[:, 1] - w[:, 1] * x[:, 0]), axis=1)
p = x * cos(t) + cross * sin(t) + w * (sum(w * x, axis=1, keepdims=true) * (1 - cos(t))) + pose[of, 3:]
q = p[:, :2] / (5 + p[:, 2:])
y = q * (1 + 0.1 * sum(q**2, axis=1, keepdims=true))
== springs: N=7
dim N
param x: real[N, 2]
d = x[1:] - x[:-1]
l = sqrt(sum(d**2, axis=1) + 0.01)
y = 5 * sum((l - 0.5)**2) + sum(x[:, 1])
== chained valleys: N=9
dim N
param x: real[N]
y = sum(100 * (x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)
== Broyden's band: N=10
dim N
param x: real[N]
p = pad(x, 1)
y = (3 - 2 * x) * x - p[:-2] - 2 * p[2:] + 1
== arrowhead: N=8
dim N
param h: real
param x: real[N]
y = sum(x**4) + sum(exp(0.3 * h * x)) + h**3
== great circle: N=5
dim N
param a, b: real[N]
param s: real
h = sin((a - s) / 2)**2 + cos(a) * cos(s) * sin(b / 2)**2
y = 2 * arctan2(sqrt(h), sqrt(1 - h))
== polytropes: N=6
dim N
input x: real[N] > 0
param a, b, g: real > 0
y = cbrt(a * x) + hypot(x, b) * log1p(x * g) - expm1(-g * x) * cosh(a - b) + sinh(x * a) / (1 + arcsinh(b * x))
"""

MODELS = {
    model.name: model
    for text in (NETWORKS, ALGEBRA, PROCESSES, STATISTICS, SCIENCE)
    for model in _models(text)
}
