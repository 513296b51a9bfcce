"""float32 modules compute in float32: nothing on the way becomes a double, whatever scalars take part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiffc.api import compile, module_of

HEAD = """dim N, M
input i: int[N] in range(M)
input b: bool[N, M]
input n: int
param x: real[N, M]
param u: real[M]
param s, r: real
"""
GENERATOR = np.random.default_rng(5)
VALUES = (
    np.array([0, 3, 3]), GENERATOR.random((3, 4)) > 0.5, 3,
    GENERATOR.normal(size=(3, 4)), GENERATOR.normal(size=4), 0.7, 1.3,
)  # fmt: skip
EXPRESSIONS = (
    "where(x > 0, s, r)", "where(b, 1.0, 0.0)", "where(x > 0, u / r, 0.0)", "where(u > 0, u / 0.3, s)", "s * b",
    "b * 0.5", "s * i", "i / 2", "i / n", "s * arange(M)", "arange(M) / M", "sqrt(i)", "sum(b, axis=0) / 3",
    "mean(b, axis=0)", "mean(i) * u", "x * one_hot(i, M)", "full((N, M), s)", "broadcast_to(s, (N, M))",
    "stack([s, r])", "[s, 2, 3.5]", "concatenate([[s], u])", "xlogy(s, 2 + abs(u))", "xlogy(u, r)", "xlogy(u, 0.5)",
    "xlog1py(u, r)", "xlog1py(u, 0.5)", "xlog1py(s, square(u))", "kl_div(softmax(u), r)", "kl_div(r, softmax(u))",
    "kl_div(0.4, softmax(u))", "logaddexp(s, u)", "hypot(u, s)", "arctan2(s, u)",
    "binary_cross_entropy_with_logits(u, 0.3)", "binary_cross_entropy_with_logits(s, sigmoid(u))",
    "binary_cross_entropy(sigmoid(s), sigmoid(u))", "maximum(s, u)", "clip(u, s, r)", "clip(s, u, u + 1)", "r ** u",
    "abs(u) ** r", "u ** n", "2.0 ** i", "u // 0.3 * u", "u % r", "(s if u > 0 else r)", "huber(u, s, delta=0.4)",
    "hinge(s, u)", "eye(M) * s", "x @ arange(M)", "i @ i * u", 'einsum("i,ij->j", i, x)', "cumsum(i) * s",
    "linspace(0, s, 5)", "layer_norm(x, s, r)", "leaky_relu(u, s)", "prelu(s, u)", "elu(u, s)", "elu(s, u)", "u / s",
    "pad(u, 1, constant_values=0.5)", "repeat(s, 3)", "tile([s, r], 2)", "softmax([s, r, 0.0])", "sign(u) * s",
    "(u > 0) + s", "max(i) * u", "s / i[1]", "n / 2 * u", "roll(u, 1) * N", "log_softmax(x)[arange(N), i]",
    "cumprod(u)", "std(x, axis=0)", "norm(x, axis=1)", "cross_entropy(x, i)", "log1mexp(abs(u))", "logit(sigmoid(u))",
    "sigmoid(x) * u", "erf(u)", "erfcx(u)", "gelu(x)", "log(erfc(u))", "lgamma(1 + abs(u))", "lbeta(1 + square(u), s)", "lbeta(r, 1 + abs(u))",
    "digamma(1 + abs(u))", "polygamma(2, 1 + abs(u))", "ndtr(s) * u", "sum(x, keepdims=true)", "mean(x, keepdims=true)",
)  # fmt: skip


def module(expression: str, level: int, dtype: str) -> Any:
    text = f"{HEAD}h = {expression}\noutput h\nloss L = sum(sin(h) * h) + sum(h * 0.1)\n"
    return module_of(compile(text, level=level, dtype=dtype), "m")


def arrays_of(values: Any) -> list[Any]:
    return [v for v in values if isinstance(v, (np.ndarray, np.generic)) and v.dtype.kind == "f"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_no_double_appears(expression: str) -> None:
    double = module(expression, 1, "float64").grad(*VALUES)
    for level in (0, 1, 2):
        single = module(expression, level, "float32")
        outputs, cache = single.forward(*VALUES)
        both = single.grad(*VALUES), single.backward(cache)
        for arrays in (outputs, cache, *both, vars(single).values()):
            assert {a.dtype for a in arrays_of(arrays)} <= {np.dtype(np.float32)}
        for grads in both:
            for got, expected in zip(grads, double):
                np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


MANY = (
    "sum(x)", "mean(x)", "sum(x**2)", "var(x)", "std(x)", "norm(x)", "norm(x, ord=1)", "logsumexp(x)", "max(cumsum(x)[:9])",
    "sum(sum(X, axis=0)**2)", "sum(mean(X, axis=0)**2)", "sum(norm(X, axis=0))", "sum(norm(X, axis=0, ord=1))",
    "sum(var(X, axis=0))", "sum(std(X, axis=0))", "sum(logsumexp(X, axis=0))", "sum(X * X)", "sum(square(X * u))",
    "sum(X + u)", "sum(exp(X.T), axis=1) @ u",
)  # fmt: skip
ROWS = 100_003


@pytest.mark.parametrize("expression", MANY)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_many_numbers_are_added_in_double_precision(expression: str, level: int) -> None:
    """One after another in single precision they would lose three digits of the seven."""
    text = f"dim N\nparam x: real[N]\nparam X: real[N, 3]\nparam u: real[3]\nloss L = {expression} + 0 * (x[0] + X[0, 0] + u[0])\n"
    rng = np.random.default_rng(2)
    arrays = [rng.random(shape, np.float32) + np.float32(0.1) for shape in (ROWS, (ROWS, 3), 3)]
    value, grads = module_of(compile(text, level=level, dtype="float32"), "m").value_and_grad(*arrays)
    exact, slopes = module_of(compile(text), "m").value_and_grad(*arrays)
    assert value == pytest.approx(exact, rel=1.2e-7)
    for got, expected in zip(grads, slopes):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=4e-7 * np.abs(expected).max())


@pytest.mark.parametrize(("rows", "wide"), [("10000", False), ("10001", True), ("N", True)])
def test_few_numbers_are_added_as_they_are(rows: str, wide: bool) -> None:
    dims = "dim N\n" if rows == "N" else ""
    text = compile(f"{dims}param X: real[{rows}, 3]\nloss L = sum(sum(X, axis=0) ** 3)\n", dtype="float32")
    assert ("X.sum(axis=0, dtype=np.float64).astype(np.float32)" in text) == wide
