"""Models for SciPy's view of a module: residuals over params of all shapes, with the inputs that they take."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

import autodiffc
import numpy as np
from autodiffc.api import module_of

Array = Any
RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=6)


class Case(NamedTuple):
    """A model of residuals `r` and their squares `L`, with its inputs and the dims to be named."""

    model: str
    inputs: tuple[Any, ...] = ()
    dims: dict[str, int] = {}  # noqa: RUF012 (never changed)
    wrt: str = ""
    size: int = 0  # of theta


NETWORK = """
dim N, D, H
input x: real[N, D]
input y: real[N]
param W: real[D, H]
param b: real[H]
param v: real[H]
param s: real > 0 <= 3 = 1.0
r = tanh(x @ W + b) @ v * s - y
"""
CASES = {
    "network": Case(NETWORK, (X, Y), {"H": 2}, "W, b, v, s", 11),
    "part of the params, in another order": Case(NETWORK, (X, Y), {"H": 2}, "s, W", 11),
    "all params, in another order": Case(NETWORK, (X, Y), {"H": 2}, "v, s, b, W", 11),
    "numbers": Case(
        "dim N\ninput t: real[N]\nparam a, b: real\nr = a * exp(b * t) - t\n", (Y,), {}, "a, b", 2
    ),
    "one of two numbers": Case(
        "dim N\ninput t: real[N]\nparam a, b: real\nr = a * exp(b * t) - t\n", (Y,), {}, "b", 2
    ),
    "no inputs": Case("dim N\nparam x: real[N]\nr = 10 * (x[1:] - x[:-1]**2)\n", (), {"N": 4}, "x", 4),
    "a matrix of residuals": Case(
        "dim N, D\ninput x: real[N, D]\nparam c: real[D]\nparam k: real\nr = sin(x * c) * k\n",
        (X,), {}, "c, k", 4,
    ),
    "a loop": Case(
        "dim N, D\ninput x: real[N, D]\nparam w: real[D]\nparam u: real\nh = 0.0\nvar r: real[N]\n"
        "for t in range(N):\n    h = tanh(x[t] @ w + u * h)\n    r[t] = h\n",
        (X,), {}, "w, u", 4,
    ),
    "few of the params in each": Case(
        "dim N, K\ninput i: int[N] in range(K)\ninput y: real[N]\nparam a: real[K]\nparam fixed: real[2]\n"
        "param b: real\nparam c: real[K, 2]\nr = (a[i] * b + exp(c[i, 1]) * a[i] - y) * fixed[0]\n",
        ([0, 2, 1, 2, 2, 0], Y), {"K": 3}, "c, a", 12,
    ),
    "a fixed size": Case("param q: real[2, 2]\nparam z: real\nr = q @ q.T * z\n", (), {}, "q, z", 5),
}  # fmt: skip


def residual_module(case: Case, **options: Any) -> ModuleType:
    text = f"{case.model}output r\ngrad r wrt {case.wrt}\n"
    return module_of(autodiffc.compile(text, emit=("jacobian",), **options), "model")


def scalar_module(case: Case, **options: Any) -> ModuleType:
    text = f"{case.model}loss L = sum(r**2 + r**3)\ngrad L wrt {case.wrt}\n"
    return module_of(autodiffc.compile(text, emit=("hvp", "hessian"), **options), "model")


def place(case: Case) -> Array:
    return np.random.default_rng(1).uniform(0.3, 0.9, case.size)
