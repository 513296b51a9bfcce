"""Stability rules over axes: softmax and its logs, variances, products, norms. Spellings as in models."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import autodiffc
import mpmath as mp
import numpy as np
import pytest
from autodiffc.api import module_of, program_of
from autodiffc.compiler.passes.pipeline import prepare
from autodiffc.grammar.source import Source

Vector = list[Any]
FAR = [1000.0, 999.0, -800.0, 1000.5]
CASES: list[tuple[str, str, list[float], Callable[[Vector], Vector], float]] = [
    ("R1", "log(softmax(x)) | log(exp(x) / sum(exp(x))) | -log(sum(exp(x)) / exp(x)) | log(exp(x)) - log(sum(exp(x)))"
     " | log(softmax(x - max(x))) | log(flip(softmax(flip(x, 0)), 0))",
     FAR, lambda x: [v - _logsumexp(x) for v in x], 6e-16),
    ("R2", "x - logsumexp(x) | x - log(sum(exp(x))) | -logsumexp(x) + x | -(log(sum(exp(x))) - x)",
     [1e8, 1e8 + 1.0, 1e8 - 3.0, 1e8], lambda x: [v - _logsumexp(x) for v in x], 6e-16),
    ("R4", "log(sum(exp(x))) | log(sum(exp(x), axis=0, keepdims=true))[0] | -log(1 / sum(exp(x))) | log1p(sum(exp(x)) - 1)",
     FAR, lambda x: [_logsumexp(x)], 4e-16),
    ("R5", "exp(x) / sum(exp(x)) | exp(x) * (1 / sum(exp(x))) | exp(x) * sum(exp(x))**(-1) | 1 / sum(exp(x)) * exp(x)"
     " | exp(x) / sum(exp(x), axis=0, keepdims=true) | exp(x - max(x)) / sum(exp(x - max(x)))",
     FAR, lambda x: [mp.exp(v - _logsumexp(x)) for v in x], 4e-16),
    ("R15", "x * log(x) | log(x) * x | -x * log(1 / x) | -(x * -log(x))",
     [1e-308, 1e-300, 0.5, 7.0], lambda x: [v * mp.log(v) for v in x], 4e-16),
    ("R16", "mean(x * x) - mean(x)**2 | mean(x**2) - mean(x) * mean(x) | -(mean(x)**2 - mean(square(x))) | var(x)"
     " | sum(x * x) / N - (sum(x) / N)**2 | mean((x - mean(x))**2)",
     [1e12 + 1.0, 1e12, 1e12 - 2.0, 1e12 + 5.0], lambda x: [_variance(x)], 4e-16),
    ("R27", "log(prod(abs(x))) | log(prod(exp(log(abs(x))))) | log(prod(sqrt(x * x))) | log(prod(abs(-x)))",
     [1e-200, -1e-180, 3e-150, 1e-10], lambda x: [mp.fsum(mp.log(abs(v)) for v in x)], 4e-16),
    ("norm", "sqrt(sum(x * x)) | sqrt(sum(x**2)) | sum(square(x))**0.5 | sqrt(x @ x)",
     [3e200, -4e200, 0.0, 1e-200], lambda x: [mp.sqrt(mp.fsum(v * v for v in x))], 4e-16),
]  # fmt: skip
TEXTS = [
    pytest.param(*case[2:], text.strip(), id=f"{case[0]}: {text.strip()}")
    for case in CASES
    for text in case[1].split("|")
]


def _logsumexp(x: Vector) -> Any:
    top = max(x)
    return top + mp.log(mp.fsum(mp.exp(v - top) for v in x))


def _variance(x: Vector) -> Any:
    mean = mp.fsum(x) / len(x)
    return mp.fsum((v - mean) ** 2 for v in x) / len(x)


def _jacobian(function: Callable[[Vector], Vector], x: Vector) -> list[Vector]:
    """By differences to hundreds of digits; the row of an output, a column for each x."""
    columns = []
    for j, v in enumerate(x):
        step = (abs(v) or mp.mpf(1)) * mp.mpf(10) ** -700
        left = function(x) if v == 0 else function([*x[:j], v - step, *x[j + 1 :]])
        right = function([*x[:j], v + step, *x[j + 1 :]])
        width = step if v == 0 else 2 * step
        columns.append([(r - q) / width for r, q in zip(right, left)])
    return [list(row) for row in zip(*columns)]


@cache
def truth(function: Callable[[Vector], Vector], values: tuple[float, ...]) -> tuple[Vector, list[Vector]]:
    """Values and their Jacobian at a point, to many digits."""
    with mp.workdps(2000):
        point = [mp.mpf(v) for v in values]
        return function(point), _jacobian(function, point)


@pytest.mark.parametrize(("values", "function", "error", "text"), TEXTS)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_value_and_jacobian(values: list[float], function: Any, error: float, text: str, level: int) -> None:
    source = f"dim N\ninput x: real[N]\noutput f = {text}\ngrad f wrt x\n"
    module = module_of(autodiffc.compile(source, level=level), "model")
    x = np.array(values)
    outputs, cache = module.forward(x)
    found = np.atleast_1d(outputs.f)
    np.testing.assert_array_equal(found, np.atleast_1d(module.predict(x).f))
    exact, rows = truth(function, tuple(values))
    for i, (value, row) in enumerate(zip(exact, rows)):
        assert abs(found[i] - value) <= 4 * error * abs(value) + 1e-307, f"value {i}"
        unit = np.zeros_like(found)
        unit[i] = 1.0
        cotangent = unit if np.ndim(outputs.f) else 1.0
        gradient = module.backward(cache, cotangent).x
        for j, slope in enumerate(row):
            if abs(slope) > 1e308:
                assert gradient[j] == float(mp.sign(slope)) * float("inf")
            else:
                assert abs(gradient[j] - slope) <= 4 * error * max(
                    1, *map(abs, (s for s in row if abs(s) < 1e308))
                )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_rows_in_a_loop(case: Any, level: int) -> None:
    """In the body of a loop, which a carried counter keeps together, as outside of it."""
    _, texts, values, _, _ = case
    text = texts.split("|")[0].strip()
    alone = module_of(
        autodiffc.compile(f"dim N\ninput x: real[N]\noutput f = sum({text})\ngrad f wrt x\n"), "m"
    )
    inner = re.sub(r"\bx\b", "X[j]", text)
    source = f"""dim T, N
input X: real[T, N]
var y: real[T]
j = 0
for t in range(T):
    y[t] = sum({inner})
    j = j + 1
output f = sum(y)
grad f wrt X
"""
    x = np.array(values)
    value, grads = module_of(autodiffc.compile(source, level=level), "m").value_and_grad(np.stack([x, x]))
    expected, slopes = alone.value_and_grad(x)
    assert value == pytest.approx(2 * expected, rel=4e-15)
    np.testing.assert_allclose(grads.X, [slopes.x] * 2, rtol=4e-15, atol=1e-15)


MATRIX = [
    "exp(x) / sum(exp(x), axis=1, keepdims=true)",
    "exp(x) / sum(exp(x), axis=1)[:, None]",
    "exp(x) / expand_dims(sum(exp(x), axis=-1), 1)",
    "exp(x) / broadcast_to(sum(exp(x), axis=1, keepdims=true), N, K)",
    "exp(x) / reshape(sum(exp(x), axis=1), N, 1)",
    "(exp(x).T / sum(exp(x), axis=1)).T",
    "(exp(x.T) / sum(exp(x.T), axis=0)).T",
    "exp(log(softmax(x)))",
]


@pytest.mark.parametrize("text", MATRIX)
def test_axes_of_length_one_hide_nothing(text: str) -> None:
    """The row-wise softmax, with the axis kept, put back, broadcast or transposed."""
    source = f"dim N, K\ninput x: real[N, K]\noutput f = {text}\ngrad f wrt x\n"
    module = module_of(autodiffc.compile(source), "model")
    x = np.array([[1000.0, 999.0, -800.0], [0.0, -1000.0, -1000.5]])
    shifted = np.exp(x - x.max(axis=1, keepdims=True))
    p = shifted / shifted.sum(axis=1, keepdims=True)
    outputs, cache = module.forward(x)
    np.testing.assert_allclose(outputs.f, p, rtol=1e-15, atol=1e-307)
    g = np.array([[1.0, -2.0, 0.5], [3.0, 1.0, -1.0]])
    np.testing.assert_allclose(
        module.backward(cache, g).x, p * (g - (g * p).sum(axis=1, keepdims=True)), rtol=1e-14, atol=1e-15
    )


@pytest.mark.parametrize("text", ["x * log(x)", "-x * log(1 / x)"])
def test_x_log_x_at_zero(text: str) -> None:
    """The limit, and the slope's limit."""
    module = module_of(autodiffc.compile(f"input x: real\noutput f = {text}\ngrad f wrt x\n"), "model")
    value, grads = module.value_and_grad(0.0)
    assert (value, grads.x) == (0.0, -np.inf)


PICKED = [
    "-log(softmax(x))[arange(N), y]",
    "-log(softmax(x)[arange(N), y])",
    "-log_softmax(x)[arange(N), y]",
    "logsumexp(x, axis=1) - x[arange(N), y]",
    "log(sum(exp(x), axis=1)) - x[arange(N), y]",
    "-log((exp(x) / sum(exp(x), axis=1, keepdims=true))[arange(N), y])",
]


@pytest.mark.parametrize("text", PICKED)
def test_a_cross_entropy_by_hand_is_one(text: str) -> None:
    source = f"dim N, K\ninput y: int[N]\nparam x: real[N, K]\nloss L = sum({text})\n"
    program = program_of(Source("m", source))
    assert "cross_entropy" in [node.op.name for node in prepare(program.graph).nodes()]
    x, y = np.array([[1000.0, 0.0, -1000.0], [3.0, 800.0, 2.0]]), np.array([0, 2])
    value, grads = module_of(autodiffc.compile(source), "model").value_and_grad(y, x)
    assert value == 798.0
    np.testing.assert_array_equal(grads.x, [[0.0, 0.0, 0.0], [0.0, 1.0, -1.0]])


def test_rows_in_another_order_are_no_cross_entropy() -> None:
    source = "dim N, K\ninput y: int[N]\ninput x: real[N, K]\noutput f = -log(softmax(x))[arange(1, N + 1) - 1, y]\n"
    names = [node.op.name for node in prepare(program_of(Source("m", source)).graph).nodes()]
    assert "cross_entropy" not in names


def test_an_axis_is_not_taken_for_another() -> None:
    """On a square matrix a sum over axis 1 also broadcasts as if it were one over axis 0."""
    source = "dim N\ninput x: real[N, N]\noutput f = exp(x) / sum(exp(x), axis=1)\n"
    x = np.array([[0.0, 1.0], [2.0, -1.0]])
    module = module_of(autodiffc.compile(source), "model")
    np.testing.assert_allclose(module.predict(x).f, np.exp(x) / np.exp(x).sum(axis=1), rtol=1e-15)
