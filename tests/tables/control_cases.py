"""Small models with loops and branches, which are Python programs too: what Python computes is the reference.

`python_of` makes Python of a model; what differs is only how `var`, `while … max …` and a result are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

HEAD = """\
dim T, N, M, H
input x: real[T, H]
input v: real[N]
input A: real[N, M]
input W: real[H, H]
input s: real
input k: int[N] in range(N)
input parent: int[N] in range(N)
input n, m: int
input p: bool
input marks: bool[N]
"""
SIZES = {"T": 5, "N": 6, "M": 3, "H": 2}
_RNG = np.random.default_rng(7)
VALUES: dict[str, object] = {
    "x": _RNG.normal(size=(5, 2)),
    "v": _RNG.normal(size=6),
    "A": _RNG.normal(size=(6, 3)),
    "W": 0.5 * _RNG.normal(size=(2, 2)),
    "s": 0.7,
    "k": np.array([3, 0, 3, 5, 1, 3]),
    "parent": np.array([0, 0, 1, 1, 3, 0]),
    "n": 4,
    "m": 2,
    "p": True,
    "marks": np.array([True, False, False, True, True, False]),
}

# Each gives f, a real scalar.
MODELS = {
    "recurrence": """
h = zeros(H)
for t in range(T):
    h = tanh(x[t] + h @ W)
f = sum(h)
""",
    "states are kept": """
var hs: real[T, H]
h = zeros(H)
for t in range(T):
    h = tanh(x[t] + h @ W)
    hs[t] = h
f = sum(hs**2) + sum(hs[T-1])
""",
    "a branch that nothing leads to": """
var c: real[N]
y = s
for i in range(N):
    if i == 0:
        y = y + (c[i-1] if i > 0 else v[i])
    c[i] = sin(v[i] * y)
f = sum(c) * y
""",
    "states of the step before": """
var hs: real[T, H]
hs[0] = x[0]
for t in range(1, T):
    hs[t] = tanh(x[t] + hs[t-1] @ W)
f = sum(hs**2)
""",
    "an int becomes a real": """
total = 0
for i in range(N):
    total += v[i] * i
f = total
""",
    "a chain of ints becomes reals": """
a = 0
b = 1
c = 2
for i in range(N):
    a = b
    b = c
    c = c / 2 + v[i]
f = a + 2*b + 3*c
""",
    "fibonacci": """
a = 0
b = 1
for i in range(n):
    a, b = b, a + b
f = s * a
""",
    "swapped": """
a = s
b = 2 * s
for i in range(N):
    a, b = b + v[i], a
f = a - 3*b
""",
    "backwards": """
z = 0.0
for t in range(T-1, -1, -1):
    z = 0.5*z + x[t, 0]
f = z
""",
    "every other": """
z = 1.0
for i in range(1, N, 2):
    z = z * v[i] + v[i-1]
f = z
""",
    "two steps down": """
z = 1.0
for i in range(N - 1, 0, -2):
    z = sin(z * v[i]) + i
f = z
""",
    "no step at all": """
z = s
for i in range(3, 3):
    z = z + v[i]
for i in range(m, 0):
    z = z * 100
f = z
""",
    "steps of a dim": """
z = 0.0
for i in range(0, N, M):
    z = z + v[i] * (i + 1)
f = z
""",
    "as many as data says": """
z = 0.0
for i in range(n):
    z = z + v[i]**2
f = z
""",
    "from data to data": """
z = 1.0
for i in range(m, n):
    z = z * v[i]
f = z
""",
    "triangle": """
z = 0.0
for i in range(N):
    for j in range(i):
        z = z + v[i] * v[j] * (j + 1)
f = z
""",
    "upper triangle, downwards": """
z = 0.0
for i in range(N):
    for j in range(N-1, i, -1):
        z = 0.9*z + v[i] * v[j]
f = z
""",
    "table of products": """
var R: real[N, M]
for i in range(N):
    for j in range(M):
        R[i, j] = v[i] * A[i, j]
f = sum(R**2)
""",
    "dynamic programming": """
var D: real[N+1, M+1]
for i in range(N):
    D[i+1, 0] = v[i]
for j in range(1, M + 1):
    D[0, j] = A[0, j-1]
for i in range(1, N + 1):
    for j in range(1, M + 1):
        D[i, j] = A[i-1, j-1] + logaddexp(D[i-1, j], logaddexp(D[i, j-1], D[i-1, j-1]))
f = D[N, M]
""",
    "cholesky by hand": """
S = eye(M) * 3.0 + A.T @ A
var L: real[M, M]
for i in range(M):
    for j in range(i + 1):
        c = S[i, j]
        for l in range(j):
            c = c - L[i, l] * L[j, l]
        if i == j:
            L[i, j] = sqrt(c)
        else:
            L[i, j] = c / L[j, j]
f = sum(log(diag(L)))
""",
    "parents": """
var P: real[N, H]
P[0] = x[0]
for i in range(1, N):
    P[i] = sin(P[parent[i]] @ W) + v[i]
f = sum(P**2)
""",
    "elements added up": """
var counts: real[N]
for i in range(N):
    counts[k[i]] += v[i]
f = sum(counts**2)
""",
    "rows added up, and taken off": """
var rows: real[N, M]
for i in range(N):
    rows[k[i]] += A[i] * v[i]
    rows[i, 1:] -= v[i]
f = sum(rows**3)
""",
    "elements of a value": """
w = v * 1.0
for i in range(1, N):
    w[i] = w[i-1] * 0.5 + v[i]
    w[0] *= 1.1
f = sum(w * v)
""",
    "a var of each step": """
z = 0.0
for i in range(N):
    var row: real[M]
    for j in range(M):
        row[j] = A[i, j] * v[i]
    z += sum(row * row)
f = z
""",
    "both ends": """
var c: real[T + 2]
c[0] = s
c[T + 1] = -s
for t in range(1, T + 1):
    c[t] = x[t-1, 0]
f = sum(c[2:] * c[:-2])
""",
    "odd and even": """
var c: real[2*N]
for i in range(N):
    c[2*i] = v[i]
    c[2*i + 1] = -v[i]**2
f = sum(c**3)
""",
    "from behind": """
z = 0.0
for t in range(T):
    z = z * 0.5 + x[-1 - t, 0] - x[t - T, 1] + x[T - 1 - t, 0]
f = z
""",
    "windows": """
z = 0.0
for i in range(N - 2):
    z += prod(v[i:i+3]) + sum(v[i+1:i+3]) * v[i]
f = z
""",
    "windows in two directions": """
z = 0.0
for i in range(N - 1):
    for j in range(M - 1):
        z += sum(A[i:i+2, j:j+2] * A[1:3, :2])
f = z
""",
    "windows at data": """
f = sum(v[m:m+3]**2) + v[n] + sum(A[m:m+4:2, 1:]) + sum(A[n:n+2])
""",
    "branch on data": """
if n > 3:
    y = exp(s)
else:
    y = s**2
f = y
""",
    "branch that keeps": """
y = s
if n < 3:
    y = exp(s)
f = y
""",
    "elif": """
if n < 3:
    y = exp(s)
elif n < 5 and p:
    y = sin(s)
elif n < 7:
    y = cos(s)
else:
    y = s
f = y
""",
    "branch on a dim": """
if N > 10:
    y = v[10] + sum(v[:11])
elif N >= 4:
    y = v[3] + 2*sum(v[1:4])
else:
    y = sum(v)
f = y
""",
    "branch in a loop": """
z = s
count = 0
for i in range(N):
    if v[i] > 0:
        z = z * v[i]
        count += 1
    elif marks[i]:
        z = z - v[i]
f = z * (count + 1)
""",
    "first step": """
z = s
for t in range(T):
    if t > 0:
        z = z * x[t-1, 0] + x[t, 1]
    else:
        z = x[0, 0]
f = z
""",
    "first and last step": """
z = s
for t in range(T):
    before = x[t-1, 0] if t != 0 else 0.0
    if t == T - 1:
        z = z * before
    else:
        z = z * x[t+1, 1] + before
f = z
""",
    "loops in a branch": """
z = s
if p:
    for i in range(N):
        z = sin(z + v[i])
else:
    for i in range(M):
        z = cos(z + A[0, i])
f = z
""",
    "arrays of a branch": """
var c: real[N]
for i in range(N):
    if marks[i]:
        c[i] = v[i]
    else:
        c[i] = v[i]**2
f = sum(c * v)
""",
    "while": """
z = 10.0 * abs(s) + 1
steps = 0
while z > 0.5:
    z = z * 0.6
    steps += 1
f = z * steps
""",
    "while with a limit": """
z = s
while abs(z**2 - 2) > 1e-12 max 4:
    z = z - (z**2 - 2) / (2*z)
f = z
""",
    "while not": """
z = s
while z > 100 max n:
    z = z + 1
f = z
""",
    "functions with loops": """
def power(a, j):
    r = 1.0
    for i in range(j):
        r *= a
    return r
def newton(a):
    z = a
    while abs(z*z - a) > 1e-14 max 100:
        z = (z + a/z) / 2
    return z
f = power(s, 3) + newton(s) + sum(power(v[i], i) for i in range(N))
""",
    "functions that return early": """
def g(a, j):
    if j < 2:
        return a, 1
    b = a * a
    if j < 5:
        if a > 0:
            return b, 2
        else:
            b = -b
    else:
        return sin(a), 3.5
    return b, j
a, i = g(s, n)
b, j = g(-s, n)
c, l = g(s, m - 1)
d, o = g(s, 7)
f = a*i + b*j + c*l + d*o
""",
    "functions see what is carried": """
z = s
def twice(a):
    return 2*a + z
for i in range(3):
    z = twice(v[i])
f = z
""",
    "sums": """
f = sum(v[i] * (i + 1) for i in range(N)) + sum(v[i]**2 for i in range(n)) + sum(0.5 for i in range(0))
""",
    "sums of sums": """
f = sum(sum(v[i]*A[j, 0] for j in range(i)) * A[i, 1] for i in range(N))
""",
    "other reductions": """
f = prod(v[i] + 2 for i in range(1, N)) + max(v[i]**2 for i in range(N)) * min(v[i] for i in range(N-1, -1, -1))
""",
    "sum of arrays": """
f = sum(sum(x[t] * x[t] @ W for t in range(T)))
""",
    "a choice": """
f = (sum(exp(v)) if n > 3 else sum(v)) + (s if p else 1) * (1 if N > 100 else 2)
""",
    "bools are carried": """
found = false
place = 0
for i in range(N):
    if not found and v[i] < 0:
        found = true
        place = i
f = v[place] * (2.0 if found else 1.0)
""",
    "tuples are carried": """
state = (s, 1)
for i in range(N):
    a, b = state
    state = (a * v[i], b + 1)
f = state[0] * 100 + state[1]
""",
    "used again": """
z = 0.0
for i in range(N):
    y = v[i]
    z += y
for i in range(M):
    y = A[i, i]
    z *= y
f = z + sum(v[i] for i in range(3))
""",
}


def python_of(body: str) -> str:
    """The model as Python."""
    text = re.sub(r"var (\w+): real\[(.*)\]", r"\1 = zeros(\2)", body)
    return re.sub(
        r"(?m)^( *)while (.*) max (.*):", r"\1for _ in range(\3):\n\1    if not (\2):\n\1        break", text
    )


def _reduction(of_array: Callable[..., object], of_values: Callable[..., object]) -> Callable[..., object]:
    return lambda values: of_array(values) if isinstance(values, np.ndarray) else of_values(list(values))


def reference(body: str, values: Mapping[str, object] = VALUES) -> float:
    """What Python makes of a model."""
    names: dict[str, object] = {
        **{
            name: getattr(np, name)
            for name in ["tanh", "sin", "cos", "exp", "log", "sqrt", "logaddexp", "eye", "diag", "abs"]
        },
        "zeros": lambda *shape: np.zeros(shape),
        "sum": _reduction(np.sum, sum),
        "prod": _reduction(np.prod, np.prod),
        "max": max,
        "min": min,
        "true": True,
        "false": False,
        **SIZES,
        **values,
    }
    exec(python_of(body), names)
    return float(names["f"])  # type: ignore[arg-type]
