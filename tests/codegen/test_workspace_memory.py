"""A step in a workspace of its own allocates next to nothing: numbers, views, and what NumPy needs inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler.model import Program
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from drawn import drawn_arguments
from peaks import peak

ROOT = Path(__file__).parents[2]
MODELS = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix()
    for folder in ("examples", "benchmarks/models")
    for path in (ROOT / folder).rglob("*.dsl")
)
SMALL = 17_000  # bytes; a matrix of the sizes below has 28,000 and more, NumPy's buffers for three operands 12,288
LITTLE = {  # what allocates more, and that part of what -O1 allocates
    "examples/adbench/hand": 2.5, "examples/adbench/hand_complicated": 3.5,  # many small matrices, of bones
    "examples/dynamic_programming": 150, "benchmarks/models/orbit": 0.5,  # lists of numbers
    "examples/gaussian_process": 20,  # LAPACK's copies
}  # fmt: skip
SIZES = {
    "examples/adbench/gmm": {"n": 200, "d": 10, "K": 5}, "examples/digits_cnn": {"N": 30, "C1": 5, "C2": 6},
    "benchmarks/models/cnn": {"N": 20, "S": 8, "C1": 6, "C2": 8, "K": 10},
}  # fmt: skip
FRESH_SIZES = {"N": 300, "D": 30, "K": 40, "B": 20, "T": 25, "V": 150}  # x @ W has 96,000 bytes
ROWS = "dim N, D, K\ninput x: real[N, D]\ninput y: int[N] in range(K)\nparam W: real[D, K]\nz = x @ W\n"
STACK = "dim B, D, K\ninput x: real[B, D, K]\nparam W: real[K, K]\nz = tanh(x @ W)\n"
STEPS = "dim T, N, D\ninput x: real[T, N, D]\nparam W: real[D, D]\nh = zeros(N, D)\n"
TABLE = "dim N, D, V\ninput i, j: int[N] in range(V)\nparam E: real[V, D]\n"
IMAGE = "dim B\ninput x: real[B, 3, 20, 20]\nparam w: real[6, 3, 3, 3]\nparam b: real[6]\n"
FRESH = {  # models of a few lines, and what they end with: each uses what NumPy would make arrays for
    ROWS: (
        "loss L = sum(log(1 + var(z, axis=1))) + sum(std(z, axis=0)) + var(z)",
        "u = (z - mean(z, axis=0)) / sqrt(var(z, axis=0) + 0.1)\nloss L = sum(u**3)",
        "loss L = sum(max(z, axis=1)**2) + sum(min(z, axis=0)) + max(z)",
        "loss L = sum(norm(z, axis=1)) + sum(norm(z, axis=0)) + norm(z)",
        "loss L = mean(cross_entropy(z, y))",
        "loss L = sum(z[arange(N), y]**2) + sum(z[arange(N), argmax(z, axis=1)])",
        "loss L = sum(tanh(cumsum(z, axis=1))) + sum(tanh(cumsum(z, axis=0)))",
        "loss L = sum(tanh(cumprod(1 + 0.01 * z, axis=1))) + sum(cumprod(1 + 0.01 * z, axis=0)**2)",
        "p = pad(z, 1)\nq = pad(z, 2, mode='reflect')\nloss L = sum(tanh(p[1:] * p[:-1])) + sum(q**3)",
        "loss L = sum(z * flip(z, 0) * flip(z, 1)) + sum((z - roll(z, 1, 0)) * roll(z, 2, 1))",
        "loss L = sum(tanh(repeat(z, 3, axis=0))**2) + sum(tanh(tile(z, (2, 1))))",
        "loss L = sum(tanh(concatenate(z, x, axis=1))) + sum(stack(z, z**2)**3)",
        "loss L = sum(tanh(concatenate(z, z**2, axis=1)[:, K // 2 : K // 2 + K]) * z)",
        "loss L = sum(tanh(x.T @ flip(z, 0) + 1)**2) + sum(tanh(sum(flip(z, 0) * x[:, :1], axis=0)))",
        "loss L = sum(std(broadcast_to(z, (D, N, K)), axis=1)**2)",
        "loss L = sum(z[::2]**2) + sum(z[:, 1::3]**3) + sum((z[1:] - z[:-1])**2)",
        "loss L = sum(logsumexp(z, axis=0)) + sum(softmax(z, axis=0)**3)",
        "u = dropout(tanh(z), 0.3)\nloss L = sum(u**2)",
        "def ste(x):\n    return round(x)\nadjoint ste(x, d):\n    return d\nloss L = sum(ste(z)**2)",
        "g = grad(sum(max(z, axis=1)**2), W)\nloss L = sum(g**2)",
        "if z[0, 0] > 0:\n    u = cumsum(z, axis=0)\nelse:\n    u = z**2\nloss L = sum(tanh(u))",
        "m = z > max(z, axis=1, keepdims=true) * 0.5\nloss L = sum(where(m, z, 0.0)**2)",
        "loss L = sum(erf(z)**2) + sum(gelu(z)**2) + sum(erfc(z)**2) + sum(log(ndtr(z)))",
        "loss L = sum(lgamma(1 + exp(z))) + sum(digamma(1 + exp(z))**2) + sum(trigamma(1 + exp(z)))",
        "loss L = sum(lbeta(1 + exp(z), 2 + exp(-z)))",
        "loss L = sum(silu(z)**2) + sum(logit(sigmoid(z))**2) + sum(log1mexp(exp(z)))",
        "loss L = sum(xlogy(exp(z), 1 + exp(z))) + sum(rel_entr(exp(z), 1 + z**2))",
        "loss L = sum(tanh(sum(z, axis=1))) + sum(tanh(mean(z, axis=0)))",
        "param b: real[K]\nloss L = sum(tanh(broadcast_to(b, N, K) @ W.T)) + sum(z)",
        "input i: int in range(5)\nu = z[i : i + 90]\nloss L = sum(exp(u) * u) + sum(tanh(x[i : i + N - 5]) @ W)",
        "s = 0.0\nfor i in range(N - 20):\n    s = sin(s) + sum(tanh(W[0] * s * z[i : i + 20]))\nloss L = s",
        "loss L = sum(einsum('nd,dk,nk->n', x, W, z)**2) + sum(sin(z[:, :, None] * x[:, None, :]))",
        "loss L = sum(tanh(roll(full((N, K), mean(z)), 1, 0)) * z)",
        "param a: real[N, K] > 0 <= 2\nloss L = sum(log(a) * z)",
    ),
    f"from losses import focal\n{ROWS}": ("loss L = sum(focal(z, sigmoid(z)))",),
    STACK: (
        "loss L = sum(max(z, axis=1)**2) + sum(max(z, axis=(0, 2))**2) + sum(logsumexp(z, axis=1))",
        "loss L = sum(mean(z, axis=(0, 2))**2) + sum(var(z, axis=(0, 2))) + sum(norm(z, axis=(1, 2)))",
        "loss L = sum(tanh(z @ transpose(z, (0, 2, 1)))**2)",
        "param g, b: real[D]\nloss L = sum(tanh(batch_norm(z, g, b))**2)",
        "loss L = sum(tanh(mean(z @ W, axis=1))**2) + sum(tanh(sum(z, axis=2)))",
        "param q: real[K]\nloss L = sum(tanh(broadcast_to(q, B, D, K) @ W) * z)",
    ),
    STEPS: (
        "for t in range(T):\n    h = maximum(h, x[t]) @ W - 0.1 * h\nloss L = sum(h**2)",
        "for t in range(T):\n    h = tanh(x[t] @ W + max(h, axis=0))\nloss L = sum(h**2)",
        "for t in range(T):\n    h = roll(tanh(x[t] @ W + h), 1, 0)\nloss L = sum(h**2)",
        "for t in range(T) checkpoint:\n    h = tanh(x[t] @ W + h)\nloss L = sum(h**2)",
        "c = h\nfor t in range(T) checkpoint:\n    c = sigmoid(h @ W) * c + x[t]\n    h = tanh(c)\nloss L = sum(h**2)",
        "input n: int in range(25)\nfor t in range(n):\n    h = tanh(x[t] @ W + h)\nloss L = sum(h**2)",
        "while mean((h - 1)**2) > 0.01 max 20:\n    h = tanh(h @ W) * 0.5 + x[0]\nloss L = sum(h**2)",
        "for t in range(T):\n    g = x[t]\n    while mean(g**2) > 0.1 max 9:\n        g = sin(g) * 0.9\n"
        "    h = h + tanh(g @ W)\nloss L = sum(h**2)",
        "for t in range(T):\n    g = x[t]\n    for s in range(t + 1):\n        g = sin(g) + 0.1 * g * x[s]\n"
        "    h = sin(h) + g @ W\nloss L = sum(h**2)",
        "for t in range(T):\n    if x[t, 0, 0] > 0.5:\n        h = tanh(x[t] @ W + h)\n    else:\n"
        "        h = sin(h) + x[t]\nloss L = sum(h**2)",
    ),
    TABLE: (
        "loss L = sum(tanh(sum(E[i] * E[j], axis=1))) + sum(tanh(E[(i + 1) % V])**2)",
        "param F: real[D, V]\nloss L = sum(tanh(F[:, i])**2) + sum(tanh((E @ F)[i, j]))",
        "param F: real[D, V]\nloss L = sum(F[:, stack(i, j)]**3)",
    ),
    IMAGE: (
        "loss L = sum(max_pool2d(relu(conv2d(x, w, b, padding=1)), 2)**2)",
        "loss L = sum(avg_pool2d(tanh(conv2d(x, w, b, stride=2)), 2)**2)",
        "loss L = sum(tanh(mean(relu(conv2d(x, w, b)), axis=(2, 3)))) + sum(tanh(mean(conv2d(x, w), axis=(2, 3))))",
    ),
    "dim N, D\ninput x: real[N, D]\nparam W: real[D, N]\nz = x @ W\n": (
        "loss L = sum(tanh(tril(z)) * triu(z, 1) + tril(z, -1)) + sum(diagonal(z)**2)",
        "loss L = sum((z + eye(N))**2) + sum(tanh(diag(exp(x[:, 0])) @ x))",
    ),
    "from nn import multi_head_attention\ndim N\ninput x: real[N, 32]\nparam Q, K, V, W: real[32, 32]\n": (
        "loss L = sum(multi_head_attention(x, Q, K, V, W, 4)**2)",
    ),
}


SINGLE = (  # what single precision adds up, converts and draws in another one
    "loss L = mean(cross_entropy(z, y)) + sum(log(1 + var(z, axis=1))) + sum(std(z, axis=0)**2)",
    "loss L = sum(norm(z, axis=1)**3) + sum(mean(z, axis=0)**2) + sum(abs(sum(z, axis=1))**1.5)",
    "param b: real[K]\nloss L = sum(tanh(z + b)**2)",
    "u = dropout(tanh(z), 0.3)\nloss L = sum(dropout(u, 0.1)**2)",
    "loss L = sum(erf(z)**2) + sum(lgamma(1 + exp(z))) + sum(lbeta(1 + exp(z), 2 + exp(-z)))",
)
PICKED = (  # of each row one element, which few rows had new memory for
    "loss L = mean(cross_entropy(z, y))",
    "loss L = sum(z[arange(N), y]**2) + sum(z[arange(N), argmax(z, axis=1)])",
    "loss L = sum(max(z, axis=1)**2) + sum(min(z, axis=1))",
    "param t: real[K]\nloss L = sum(t[y] * z[:, 0]) + sum(z[y, y])",
)


def step_of(name: str, **options: Any) -> Callable[[], Any]:
    """A step of a model's module."""
    program = program_of(read_source(str(ROOT / f"{name}.dsl")))
    return step(program, SIZES.get(name) or {dim: 60 + i for i, dim in enumerate(program.dims)}, **options)


def step(program: Program, sizes: Mapping[str, int], **options: Any) -> Callable[[], Any]:
    """A step of a module, in a workspace that owns the results too where there is one."""
    module = module_of(module_text(program, Options(**options)), "model")
    reals = options.get("dtype", "float64")
    given = {
        name: value.astype(reals) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
        for name, value in drawn_arguments(program, sizes, 0, 0.9).items()
    }
    if "rng" in module.SPEC:
        given[module.SPEC["rng"]] = np.random.default_rng(0)
    if hasattr(module, "Workspace"):
        given["workspace"] = module.Workspace(outputs=True)
    return partial(getattr(module, "value_and_grad", None) or module.forward, **given)


def allocated_by(call: Callable[[], Any]) -> int:
    """What a step allocates at most, once its workspace has all memory."""
    for _ in range(2):
        call()
    return peak(call)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_a_step_allocates_next_to_nothing(name: str) -> None:
    allocated = allocated_by(step_of(name, level=2, emit=("workspace",)))
    if name in LITTLE:
        assert SMALL < allocated < peak(step_of(name, level=1)) / LITTLE[name]
    else:
        assert allocated < SMALL


def step_in_workspace(text: str, rows: int = FRESH_SIZES["N"], **options: Any) -> Callable[[], Any]:
    program = program_of(Source("model.dsl", f"{text}\n"))
    sizes = {dim: {**FRESH_SIZES, "N": rows}[dim] for dim in program.dims}
    return step(program, sizes, level=2, emit=("workspace",), **options)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("begin", "end"), [(begin, end) for begin, ends in FRESH.items() for end in ends])
def test_whatever_a_step_computes(begin: str, end: str) -> None:
    assert allocated_by(step_in_workspace(begin + end)) < SMALL


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("end", SINGLE)
def test_in_single_precision(end: str) -> None:
    few, many = (allocated_by(step_in_workspace(ROWS + end, n, dtype="float32")) for n in (300, 3000))
    assert many < few + 4_000


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("end", PICKED)
def test_more_elements_that_are_picked_need_no_more(end: str) -> None:
    few, many = (allocated_by(step_in_workspace(ROWS + end, n)) for n in (100, 900))
    assert many < few + 4_000
