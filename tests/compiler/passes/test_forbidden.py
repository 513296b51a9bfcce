"""What no rewrite may do: the module gives the same NaN, inf and signed zero as the NumPy expression."""

from __future__ import annotations

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of, program_of
from autodiffc.compiler.passes.pipeline import prepare
from autodiffc.grammar.source import Source

INF, NAN = np.inf, np.nan
A = np.array([1.5, -2.0, 0.0, -0.0, INF, -INF, NAN, 1e-310, -1e308, 3e200])
B = np.array([-1.0, -3.0, 0.0, 5.0, INF, INF, 2.0, 1e10, 1e308, -3e200])
EXPRESSIONS = [
    "a - a",
    "a * 0",
    "0 / a",
    "a / a",
    "a * b / b",
    "a**0.5 * a**0.5",
    "(-1.0)**a * (-1.0)**b",
    "log(a * b)",
    "log(a / b)",
    "log(a**2)",
    "log(a**3)",
    "log(prod(a[:2]))",
    "log(prod(b[:2]))",
    "exp(log(a))",
    "sqrt(a)**2",
    "sigmoid(log(a / (1 - a)))",
    "(a + b) - b",
    "(a + 1e20) - 1e20",
    "a * (b + 1) - a * b",
    "a + 0",
    "0 - a",
    "-(a - b)",
    "a - (b - a)",
    "where(a > 0, b, a)",
    "where(a > 0, 1 / a, 0)",
    "maximum(a, b)",
    "maximum(b, a)",
    "minimum(a, 0)",
    "3 * (a / 3)",
    "(0.1 * a) * 0.3",
    "a * 0.1 / 0.1",
    "a + b + a",
    "2 * a - a",
    "mean(a[:4] - mean(a[:4]))",
    "a**1 * b**0",
    "1 * a / 1",
    "log(a + 0.9999999999999998)",
    "log(1 - a + 1e-20)",
]
NUMPY = {
    name: getattr(np, name) for name in ["log", "exp", "sqrt", "where", "maximum", "minimum", "prod", "mean"]
}


def _same(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_array_equal(found, wanted)
    known = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(found)[known], np.signbit(wanted)[known])


@pytest.mark.parametrize("text", EXPRESSIONS)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_value_is_that_of_numpy(text: str, level: int) -> None:
    source = f"dim N\ninput a, b: real[N]\noutput f = {text}\ngrad f wrt a, b\n"
    module = module_of(autodiffc.compile(source, level=level), "model")
    with np.errstate(all="ignore"):
        outputs, _ = module.forward(A, B)
    _same(np.asarray(outputs.f), _by_numpy(text, A, B))


def _by_numpy(text: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(eval(text, {**NUMPY, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "a": a, "b": b}))


@pytest.mark.parametrize("text", [text for text in EXPRESSIONS if ":" not in text])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_value_of_python_floats_is_that_of_numpy(text: str, level: int) -> None:
    source = f"input a, b: real\noutput f = {text} + 0 * b\ngrad f wrt a, b\n"
    module = module_of(autodiffc.compile(source, level=level), "model")
    for a, b in zip(A, B):
        outputs, _ = module.forward(float(a), float(b))
        wanted = _by_numpy(f"{text} + 0 * b", a, b)
        np.testing.assert_allclose(outputs.f, wanted, rtol=1e-15, atol=1e-300, err_msg=f"at {a}, {b}")


SLOPES = [
    ("maximum(x, 0)", 0.0, 0.0),
    ("maximum(0, x)", 0.0, 1.0),
    ("sqrt(x)**2", -1.0, NAN),
    ("exp(log(x))", -1.0, NAN),
    ("sqrt(x * x)", 0.0, 0.0),
    ("where(x > 0, sqrt(x), 0)", -1.0, 0.0),
    ("where(x > 0, log(x), 0)", 0.0, 0.0),
]


@pytest.mark.parametrize(("text", "point", "slope"), SLOPES)
def test_conventions_survive(text: str, point: float, slope: float) -> None:
    """Rewrites neither swap operands that decide ties, nor widen a domain."""
    module = module_of(autodiffc.compile(f"input x: real\noutput f = {text}\ngrad f wrt x\n"), "model")
    np.testing.assert_equal(module.value_and_grad(point)[1].x, slope)


SEALED = [
    ("mean(x * x) - mean(x)**2", "var"),
    ("a**2 - b**2", "mul"),
    ("exp(a) - 1", "expm1"),
    ("log(1 + a)", "log1p"),
    ("1 - cos(a)", "sin"),
    ("sqrt(a * a + b * b)", "hypot"),
    ("log(1 - exp(-a))", "log1mexp"),
    ("a * log(a / b)", "rel_entr"),
    ("log(a / (1 - a))", "logit"),
    ("1 - sigmoid(a)", "sigmoid"),
    ("log(1 + exp(a))", "softplus"),
]


@pytest.mark.parametrize(("text", "op"), SEALED)
def test_safe_forms_survive_optimisation(text: str, op: str) -> None:
    """What a stability rule made is still there after everything else, and its naive source is not."""
    head = "dim N\ninput a, b: real\ninput x: real[N]\n"
    program = program_of(Source("m", f"{head}output f = {text}\n"))
    naive = {node.op.name for node in program.graph.nodes()}
    made = {node.op.name for node in prepare(program.graph).nodes()}
    optimised = {node.op.name for node in prepare(program.graph, 2).nodes()}
    assert op in made & optimised
    assert not (naive - made) & optimised
