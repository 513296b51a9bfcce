"""Singular points and kinks, from the model's text to the emitted module: values of the numerics reference.

Each row is compiled twice, for scalars (Python floats and `math`) and for arrays (NumPy); both must give
the same. No NumPy warning may escape that the value itself would not give.
"""

from __future__ import annotations

import math
import warnings
from functools import cache

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.source import Source

INF, NAN = math.inf, math.nan
TINY = 5e-324

# expression of x and y, point, expected derivatives by x and y
EDGES: list[tuple[str, tuple[float, float], tuple[float, float]]] = [
    # kinks: one element of the subdifferential, documented
    ("abs(x)", (0.0, 0), (0.0, 0)), ("abs(x)", (-0.0, 0), (0.0, 0)), ("sqrt(x**2)", (0.0, 0), (0.0, 0)),
    ("relu(x)", (0.0, 0), (0.0, 0)), ("maximum(x, 0)", (0.0, 0), (0.0, 0)), ("maximum(0, x)", (0.0, 0), (1.0, 0)),
    ("maximum(x, y)", (2.0, 2.0), (0.0, 1.0)), ("minimum(x, y)", (2.0, 2.0), (0.0, 1.0)), ("maximum(x, y)", (3.0, 2.0), (1.0, 0.0)),
    ("leaky_relu(x, 0.1)", (0.0, 0), (0.1, 0)), ("prelu(x, y)", (0.0, 0.3), (0.3, 0.0)), ("prelu(x, y)", (-2.0, 0.3), (0.3, -2.0)),
    ("elu(x, 1.5)", (0.0, 0), (1.5, 0)), ("selu(x)", (0.0, 0), (1.7580993408473766, 0)), ("elu(x)", (1000.0, 0), (1.0, 0)),
    ("hardtanh(x)", (1.0, 0), (0.0, 0)), ("hardtanh(x)", (-1.0, 0), (0.0, 0)), ("relu6(x)", (6.0, 0), (0.0, 0)), ("clip(x, 0, 2)", (2.0, 0), (0.0, 0)),
    ("clip(x, 0, 2)", (1.0, 0), (1.0, 0)), ("clip(1.0, x, y)", (1.0, 2.0), (1.0, 0.0)), ("clip(1.0, x, y)", (2.0, 3.0), (1.0, 0.0)), ("clip(5.0, x, y)", (2.0, 3.0), (0.0, 1.0)),
    ("sign(x) * x", (0.0, 0), (0.0, 0)), ("floor(x) + ceil(x) + round(x)", (0.5, 0), (0.0, 0)), ("x // y", (7.0, 2.0), (0.0, 0.0)), ("x % y", (7.0, 2.0), (1.0, -3.0)),
    ("hypot(x, y)", (0.0, 0.0), (0.0, 0.0)), ("sqrt(x*x + y*y)", (0.0, 0.0), (0.0, 0.0)), ("hypot(x, y)", (1e200, 5e199), (0.8944271909999159, 0.4472135954999579)),
    ("huber(x, y)", (1.0, 0.0), (1.0, -1.0)), ("hinge(x, 1)", (1.0, 0), (0.0, 0)), ("mae(x, y)", (1.0, 1.0), (0.0, 0.0)),
    # infinite slopes: the one-sided limit; outside the domain NaN
    ("sqrt(x)", (0.0, 0), (INF, 0)), ("sqrt(x)", (-0.0, 0), (INF, 0)), ("sqrt(x)", (-1.0, 0), (NAN, 0)), ("cbrt(x)", (0.0, 0), (INF, 0)), ("cbrt(x)", (-8.0, 0), (1 / 12, 0)),
    ("log(x)", (0.0, 0), (INF, 0)), ("log(x)", (-0.0, 0), (INF, 0)), ("log(x)", (-1.0, 0), (NAN, 0)), ("log2(x)", (0.0, 0), (INF, 0)), ("log10(x)", (-1.0, 0), (NAN, 0)),
    ("log1p(x)", (-1.0, 0), (INF, 0)), ("log1p(x)", (-2.0, 0), (NAN, 0)), ("arcsin(x)", (1.0, 0), (INF, 0)), ("arccos(x)", (1.0, 0), (-INF, 0)), ("arcsin(x)", (2.0, 0), (NAN, 0)),
    ("arcsin(x)", (1 - 1e-12, 0), (707114.6025256454, 0)),
    ("arccosh(x)", (1.0, 0), (INF, 0)), ("arccosh(x)", (0.5, 0), (NAN, 0)), ("arctanh(x)", (1.0, 0), (INF, 0)), ("arcsinh(x)", (1e200, 0), (1e-200, 0)),
    ("1 / x", (0.0, 0), (-INF, 0)), ("x**-1", (0.0, 0), (-INF, 0)),
    # powers
    ("x**0", (0.0, 0), (0.0, 0)), ("x**0", (NAN, 0), (0.0, 0)), ("x**0.0", (INF, 0), (0.0, 0)), ("x**1", (0.0, 0), (1.0, 0)), ("x**2", (0.0, 0), (0.0, 0)), ("x**3", (-2.0, 0), (12.0, 0)),
    ("x**2.0", (-3.0, 0), (-6.0, 0)), ("x**0.5", (0.0, 0), (INF, 0)), ("x**1.5", (0.0, 0), (0.0, 0)), ("x**0.3", (0.0, 0), (INF, 0)), ("x**-0.5", (0.0, 0), (-INF, 0)), ("x**0.3", (-1.0, 0), (NAN, 0)),
    ("x**y", (0.0, 0.0), (0.0, 0.0)), ("x**y", (0.0, 2.0), (0.0, 0.0)), ("x**y", (0.0, 1.0), (1.0, 0.0)), ("x**y", (2.0, 3.0), (12.0, 8 * math.log(2))), ("x**y", (-2.0, 3.0), (12.0, NAN)),
    # two arguments
    ("x / y", (1e200, 1e160), (1e-160, -1e-120)), ("x / y", (1e-200, 1e-180), (1e180, -1e160)), ("arctan2(x, y)", (0.0, 0.0), (NAN, NAN)), ("arctan2(x, y)", (1e200, 1e200), (5e-201, -5e-201)),
    ("logaddexp(x, y)", (INF, INF), (0.5, 0.5)), ("logaddexp(x, y)", (-INF, -INF), (0.0, 0.0)), ("logaddexp(x, y)", (INF, 0.0), (1.0, 0.0)), ("logaddexp(x, y)", (1000.0, 0.0), (1.0, 0.0)),
    ("xlogy(x, y)", (0.0, 0.0), (-INF, 0.0)), ("xlogy(x, y)", (2.0, 4.0), (math.log(4), 0.5)), ("xlog1py(x, y)", (0.0, -1.0), (-INF, 0.0)), ("x * log(x)", (0.0, 0), (-INF, 0)),
    # the masked zero: what is not used has no slope
    ("where(x > 0, sqrt(x), 0)", (0.0, 0), (0.0, 0)), ("where(x > 0, sqrt(x), 0)", (-1.0, 0), (0.0, 0)), ("where(x > 0, log(x), x)", (0.0, 0), (1.0, 0)), ("where(x > 0, x**-1, 0)", (0.0, 0), (0.0, 0)),
    ("sqrt(x) if x > 0 else 0.0", (0.0, 0), (0.0, 0)), ("sqrt(relu(x))", (-1.0, 0), (0.0, 0)), ("log(maximum(x, 0))", (-1.0, 0), (0.0, 0)), ("x * sqrt(y)", (0.0, 0.0), (0.0, 0.0)),
    ("where(y > 0, x / y, 0)", (1.0, 0.0), (0.0, 0.0)), ("where(y > 0, arctan2(y, x), 0)", (0.0, 0.0), (0.0, 0.0)),
    # saturation and overflow: naive texts, safe results
    ("1 / (1 + exp(-x))", (-1000.0, 0), (0.0, 0)), ("exp(x) / (1 + exp(x))", (1000.0, 0), (0.0, 0)), ("log(1 / (1 + exp(-x)))", (-1000.0, 0), (1.0, 0)), ("log(sigmoid(x))", (-1000.0, 0), (1.0, 0)), ("log(sigmoid(x))", (1000.0, 0), (0.0, 0)),
    ("log(1 - sigmoid(x))", (1000.0, 0), (-1.0, 0)), ("log(1 + exp(x))", (1000.0, 0), (1.0, 0)), ("log(1 + exp(x))", (-1000.0, 0), (0.0, 0)), ("softplus(x)", (-800.0, 0), (0.0, 0)), ("log_sigmoid(x)", (-INF, 0), (1.0, 0)),
    ("exp(x) - 1", (1e-17, 0), (1.0, 0)), ("log(1 + x)", (1e-17, 0), (1.0, 0)), ("log(exp(x) + exp(y))", (1000.0, 1000.0), (0.5, 0.5)), ("log(exp(x) + exp(y))", (-1000.0, 0.0), (0.0, 1.0)), ("exp(x) / (exp(x) + exp(y))", (1000.0, 1000.0), (0.25, -0.25)),
    ("log(1 - exp(-x))", (1e-20, 0), (1e20, 0)), ("log(exp(x))", (1000.0, 0), (1.0, 0)), ("exp(x) * exp(y)", (800.0, -800.0), (1.0, 1.0)), ("exp(x) / exp(y)", (900.0, 900.0), (1.0, -1.0)),
    ("sqrt(x*x + y*y)", (3e200, 4e200), (0.6, 0.8)), ("1 - cos(x)", (1e-9, 0), (1e-9, 0)), ("sqrt(x + 1) - sqrt(x)", (1e16, 0), (-2.5e-25, 0)), ("0.5 * log((1 + x) / (1 - x))", (1e-17, 0), (1.0, 0)),
    ("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", (400.0, 0), (0.0, 0)), ("log(x + sqrt(x*x + 1))", (-1e9, 0), (1e-9, 0)), ("log(x / (1 - x))", (0.5, 0), (4.0, 0)), ("x**2 - y**2", (1e8, 1e8), (2e8, -2e8)),
    ("erf(x)", (INF, 0), (0.0, 0)), ("gelu(x)", (-INF, 0), (0.0, 0)), ("gelu(x)", (0.0, 0), (0.5, 0)), ("log(erfc(x))", (1e8, 0), (-2e8, 0)), ("log(1 - erf(x))", (1e8, 0), (-2e8, 0)), ("0.5 * x * (1 + erf(x / sqrt(2)))", (-INF, 0), (0.0, 0)),
    ("lgamma(x)", (0.0, 0), (-INF, 0)), ("lgamma(x)", (-1.0, 0), (NAN, 0)), ("where(x > 0, lgamma(x), 0)", (0.0, 0), (0.0, 0)), ("where(x > 0, digamma(x), 0)", (-2.0, 0), (0.0, 0)), ("where(x > 0, lbeta(x, y), 0)", (0.0, 1.0), (0.0, 0.0)),
    ("lbeta(x, y)", (1e12, 1.0), (-1e-12, -28.208236780830597)),
    ("tanh(x)", (INF, 0), (0.0, 0)), ("silu(x)", (0.0, 0), (0.5, 0)), ('gelu(x, approximate="tanh")', (0.0, 0), (0.5, 0)), ('gelu(x, approximate="tanh")', (1e200, 0), (1.0, 0)),
    ("binary_cross_entropy_with_logits(x, y)", (INF, 1.0), (0.0, -INF)), ("binary_cross_entropy_with_logits(x, 0)", (1000.0, 0), (1.0, 0)), ("binary_cross_entropy(x, y)", (0.0, 0.0), (1.0, INF)),
]  # fmt: skip


@cache
def module_for(expression: str, kind: str, level: int) -> object:
    total = "sum(g)" if kind != "real" else "g"
    text = f"input x, y: {kind}\ng = {expression}\noutput f = {total}\ngrad f wrt x, y\n"
    return module_of(module_text(program_of(Source("m.dsl", text)), Options(level=level)), "m")


def same(actual: float, expected: float) -> bool:
    if math.isnan(expected) or math.isinf(expected) or expected == 0.0:
        return (math.isnan(actual) and math.isnan(expected)) or actual == expected
    return math.isclose(actual, expected, rel_tol=4e-9)


@pytest.mark.parametrize("kind", ["real", "real[1]"])
@pytest.mark.parametrize(("expression", "point", "expected"), EDGES, ids=[f"{e} at {p}" for e, p, _ in EDGES])
def test_derivatives_at_the_edge(
    expression: str, point: tuple[float, float], expected: tuple[float, float], kind: str
) -> None:
    arguments = point if kind == "real" else tuple(np.array([p]) for p in point)
    for level in (0, 1, 2):
        module = module_for(expression, kind, level)
        with warnings.catch_warnings():
            warnings.simplefilter("error" if kind == "real" else "ignore")
            _, cache = module.forward(*map(float, point)) if kind == "real" else module.forward(*arguments)
            _, grads = module.value_and_grad(*arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            again = module.backward(cache)
        for result in (grads, again):
            found = tuple(float(np.asarray(g).reshape(())) for g in result)
            assert all(map(same, found, map(float, expected))), (level, found)


VECTORS: list[tuple[str, list[float], list[float]]] = [
    ("max(x)", [1, 3, 3], [0, 1, 0]), ("min(x)", [2, 1, 1], [0, 1, 0]), ("prod(x)", [2, 0, 3], [0, 6, 0]), ("prod(x)", [0, 0, 3], [0, 0, 0]),
    ("sum(cumprod(x))", [2, 0, 3], [1, 8, 0]), ("sum(cumsum(x))", [1, 2, 3], [3, 2, 1]), ("std(x)", [2, 2, 2], [0, 0, 0]), ("norm(x)", [0, 0, 0], [0, 0, 0]), ("norm(x, ord=1)", [0, -1, 2], [0, -1, 1]),
    ("norm(x)", [3e200, 4e200, 0], [0.6, 0.8, 0]), ("norm(x)", [3e-200, 4e-200, 0], [0.6, 0.8, 0]), ("sqrt(sum(x**2))", [0, 0, 0], [0, 0, 0]),
    ("logsumexp(x)", [1000, 1000, 0], [0.5, 0.5, 0]), ("logsumexp(x)", [-INF, -INF, -INF], [0, 0, 0]), ("logsumexp(x)", [INF, INF, 0], [0.5, 0.5, 0]), ("logsumexp(x)", [INF, 1000, 0], [1, 0, 0]),
    ("log(sum(exp(x)))", [1000, 1000, 0], [0.5, 0.5, 0]), ("softmax(x)[0]", [1000, 0, -1000], [0, 0, 0]), ("log_softmax(x)[1]", [1000, 0, 0], [-1, 1, 0]), ("log(softmax(x))[1]", [1000, 0, 0], [-1, 1, 0]), ("(exp(x) / sum(exp(x)))[0]", [1000, 1000, -1000], [0.25, -0.25, 0]),
    ("cross_entropy(x, 1)", [1000, 0, 0], [1, -1, 0]), ("cross_entropy(x, 0)", [-INF, 0, 0], [-1, 0.5, 0.5]), ("cross_entropy(x, [0, 0.5, 0.5])", [-INF, 0, 0], [0, 0, 0]),
    ("kl_div(x, [0.2, 0.3, 0.5])", [0.2, 0.3, 0.5], [1, 1, 1]), ("kl_div([0.0, 0.5, 0.5], x)", [0, 0.5, 0.5], [0, -1, -1]), ("var(x)", [1e8, 1e8 + 1, 1e8 + 2], [-2 / 3, 0, 2 / 3]), ("mean(x*x) - mean(x)**2", [1e8, 1e8 + 1, 1e8 + 2], [-2 / 3, 0, 2 / 3]),
    ("sum(x[[0, 0, 2]])", [1, 2, 3], [2, 0, 1]), ('sum(pad(x, 1, mode="reflect"))', [1, 2, 3], [1, 3, 1]), ("sum(where(x > 0, x, 0) / x)", [1, 2, 4], [0, 0, 0]), ("sum(tril(outer(x, 1 / x)))", [1, 1, 1], [-2, 0, 2]), ("sum(sqrt(x[1:]))", [0, 1, 4], [0, 0.5, 0.25]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "point", "expected"), VECTORS, ids=[f"{e} at {p}" for e, p, _ in VECTORS]
)
def test_reductions_at_the_edge(expression: str, point: list[float], expected: list[float]) -> None:
    text = f"input x: real[3]\noutput f = {expression}\ngrad f wrt x\n"
    for level in (0, 1, 2):
        module = module_of(module_text(program_of(Source("m.dsl", text)), Options(level=level)), "m")
        with warnings.catch_warnings():
            # 0 * -inf in the value itself warns in plain NumPy too.
            warnings.simplefilter("ignore" if "[0, 0.5" in expression else "error")
            _, grads = module.value_and_grad(np.array(point, float))
        assert all(map(same, grads.x.tolist(), map(float, expected))), (level, grads.x)
