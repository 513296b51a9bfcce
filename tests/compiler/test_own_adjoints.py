"""Adjoints that a model brings itself, and stop_gradient: compiled at every level, and checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler import ops
from autodiffc.compiler.gradcheck import check
from autodiffc.compiler.held import Tape, on
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.irparse import parse_graph
from autodiffc.compiler.irtext import print_graph
from autodiffc.compiler.model import Program
from autodiffc.compiler.ops.own import govern
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.types import REAL
from autodiffc.compiler.verify import verify, verifying
from autodiffc.grammar.source import Source

HEAD = "dim N\ninput x: real[N]\nparam w: real[N]\n"
X = np.array([0.3, -1.2, 2.4])
W = np.array([1.7, 0.6, -0.9])

STE = "def ste(a):\n    return round(a)\nadjoint ste(a, d_out):\n    return d_out\n"
TWO = """def two(a, b, k=2):
    s = a * b
    return s**k, exp(a + b)
adjoint two(a, b, k, d_p, d_q):
    s, e = a * b, exp(a + b)
    return d_p * k * s**(k - 1) * b + d_q * e, d_p * k * s**(k - 1) * a + d_q * e, None
"""
CLIPPED = "def gentle(a):\n    return a\nadjoint gentle(a, d):\n    return clip(d, -0.5, 0.5)\n"
REVERSED = "def reverse(a):\n    return a\nadjoint reverse(a, d):\n    return -d\n"
DROPPED = "def first(a, b):\n    return a * b\nadjoint first(a, b, d):\n    return d * b, None\n"
DOTTED = "def dotted(a: real[M], b: real[M]):\n    return a @ b / M\nadjoint dotted(a: real[M], b, d):\n    return d * b / M, d * a / M\n"
NESTED = (
    STE
    + """def half(a):
    return ste(a) / 2
adjoint half(a, d):
    return 3 * ste(d)
def deep(a):
    return half(a) * 2
"""
)
RECOMPUTED = "def sq(a):\n    return a**2\nadjoint sq(a, d):\n    return d * (sq(a + 1) - sq(a) - 1)\n"
INDEXED = "const I = [2, 0]\ndef pick(a: real[3], i):\n    return a[i]\nadjoint pick(a, i, d):\n    return [d[1], 0, d[0]], None\n"

# What a model computes, and the gradient that its adjoints make of it.
MODELS: list[tuple[str, str, Any]] = [
    (STE, "sum(ste(w) * x)", X),
    (STE, "sum(ste(w * x)**2)", 2 * np.round(W * X) * X),
    (STE, "sum(ste(ste(w) + 0.2)**2)", 2 * np.round(np.round(W) + 0.2)),
    (CLIPPED, "sum(gentle(w)**2)", np.clip(2 * W, -0.5, 0.5)),
    (CLIPPED, "sum(gentle(w)**2) + sum(gentle(w)**2)", 2 * np.clip(2 * W, -0.5, 0.5)),
    (REVERSED, "sum(reverse(w) * x)", -X),
    (REVERSED, "sum(reverse(reverse(w)) * x)", X),
    (DROPPED, "sum(first(w, x * w))", X * W),
    (DOTTED, "dotted(w, w)", 2 * W / 3),
    (NESTED, "sum(half(w * 4) * x)", 12 * np.round(X)),
    (NESTED, "sum(deep(w))", 6.0 * np.ones(3)),
    (RECOMPUTED, "sum(sq(w))", 2 * W),
    (INDEXED, "sum(pick([w[0], w[1], w[2]], I) * [2.0, 3.0])", [3.0, 0.0, 2.0]),
    ("", "sum(stop_gradient(w) * w)", W),
    ("", "sum(stop_gradient(w * x) * w**2) + stop_gradient(sum(w))", 2 * W**2 * X),
    ("", "sum(w - stop_gradient(w) + stop_gradient(round(w)))", np.ones(3)),
    (TWO, "sum(two_p)", 2 * W * X**2),
    (TWO, "sum(two_q)", np.exp(W + X)),
    (TWO, "sum(two_p * two_q)", 2 * W * X**2 * np.exp(W + X) + (W * X) ** 2 * np.exp(W + X)),
]  # fmt: skip


def text_of(functions: str, loss: str) -> str:
    apart = "two_p, two_q = two(w, x)\n" if functions is TWO else ""
    return f"{HEAD}{functions}{apart}loss L = {loss}\n"


def program(text: str) -> Program:
    return program_of(Source("model.dsl", text))


def module(checked: Program, **options: Any) -> Any:
    watch = (lambda *step: verifying(*step)) if options else verifying
    return module_of(module_text(checked, Options(**options), watch), "model")


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(("functions", "loss", "expected"), MODELS, ids=[m[1] for m in MODELS])
def test_gradient(functions: str, loss: str, expected: Any, level: int) -> None:
    compiled = module(program(text_of(functions, loss)), level=level)
    value, grads = compiled.value_and_grad(X, W)
    np.testing.assert_allclose(grads.w, expected, rtol=1e-14, atol=1e-14)
    outputs, cache = compiled.forward(X, W)
    assert value == outputs.L
    np.testing.assert_allclose(compiled.backward(cache, 1.0).w, expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(("functions", "loss"), [m[:2] for m in MODELS], ids=[m[1] for m in MODELS])
def test_the_check_takes_adjoints_as_they_are(functions: str, loss: str) -> None:
    checked = program(text_of(functions, loss))
    report = check(checked, module(checked), sizes={"N": 3}, points=1)
    (row,) = report.rows
    if functions is CLIPPED or functions is NESTED:  # not linear in the cotangent: no matrix, no reference
        assert row.verdict == "not checked"
        assert "not linear" in row.symbolic.reason
    else:
        assert row.verdict == "ok", row
    derivatives = {"sq", "two", "dotted", "pick"}
    for name, found in report.own.items():
        assert found.status == ("ok" if name in derivatives else "differs"), name
    assert set(report.wrong_adjoints) <= {"reverse", "first"}


@pytest.mark.parametrize("factor", ["1.01", "-1", "0"])
def test_a_wrong_chain_around_an_adjoint_is_caught(factor: str) -> None:
    text = text_of(STE, "sum(ste(w * x)**2 * exp(w))")
    wrong = module(program(text.replace("return d_out", f"return {factor} * d_out")))
    (row,) = check(program(text), wrong, sizes={"N": 3}, points=1).rows
    assert (row.symbolic.status, row.differences.status) == ("differs", "differs")


def test_an_adjoint_that_is_meant_to_be_the_derivative_is_found_wrong() -> None:
    function = "def f(a):\n    return log(1 + exp(a))\nadjoint f(a, d):\n    return d * {}\n"
    found = {}
    for rule in ("sigmoid(a)", "exp(a) / (1 + exp(a))", "sigmoid(-a)", "tanh(a)"):
        checked = program(text_of(function.format(rule), "sum(f(w) * x)"))
        report = check(checked, module(checked), sizes={"N": 3}, points=1)
        assert report.ok == (report.own["f"].status == "ok")
        found[rule] = report.own["f"].status
        assert check(checked, module(checked), sizes={"N": 3}, points=1, surrogates=["f"]).ok
    assert list(found.values()) == ["ok", "ok", "differs", "differs"]


def test_what_stands_for_a_slope_that_is_not_there_is_no_mistake() -> None:
    """Of a function that is flat at all points; one that is flat at some of them only has a derivative."""
    step = "def f(a):\n    return where(a > -0.5, {}, 0.0)\nadjoint f(a, d):\n    return 2 * d * a\n"
    for inside, ok in (("1.0", True), ("a", False)):
        checked = program(text_of(step.format(inside), "sum(f(w) * x)"))
        report = check(checked, module(checked), sizes={"N": 3}, points=3)
        assert report.own["f"].status == "differs"
        assert (report.ok, report.wrong_adjoints) == (ok, [] if ok else ["f"])


@pytest.mark.parametrize("level", [0, 1, 2])
def test_forward_is_as_if_there_were_no_adjoint(level: int) -> None:
    """Nothing of the wrapping is left in what is emitted, and a true adjoint gives the same derivative."""
    with_own = text_of(TWO, "sum(two_p * two_q)")
    without = text_of(TWO[: TWO.index("adjoint")], "").replace("loss L = \n", "")
    without += "two_p, two_q = two(w, x)\nloss L = sum(two_p * two_q)\n"
    results = [module(program(t), level=level).value_and_grad(X, W) for t in (with_own, without)]
    assert results[0][0] == results[1][0]
    np.testing.assert_allclose(results[0][1].w, results[1][1].w, rtol=1e-14)


def test_stop_gradient_costs_nothing() -> None:
    texts = [module_text(program(text_of("", loss)), Options()) for loss in (
        "sum(x * w)", "sum(stop_gradient(x) * w)",
    )]  # fmt: skip
    bodies = [t.split("return L, Grads")[0].split('"""')[-1].replace("stop_gradient(x)", "x") for t in texts]
    assert bodies[0] == bodies[1]


LOOPS: list[tuple[str, str]] = [
    (STE, "g = 0.0\nfor t in range(N):\n    g = stop_gradient(g) * w[t] + ste(w[t] * x[t])\nloss L = g\n"),
    (STE, "g = 1.0\nfor t in range(N):\n    g = tanh(g * ste(3 * w[t])) + x[t] * w[t]\nloss L = g\n"),
    (RECOMPUTED, "g = 0.0\nfor t in range(N):\n    g = g * x[t] + sq(w[t])\nloss L = g\n"),
    (TWO, "p, q = 1.0, 0.0\nfor t in range(N):\n    p, q = two(p, w[t] / 2)\nloss L = p + q\n"),
    (STE, "h = w[0]\nfor t in range(N):\n    h = h * w[t] + x[t]\n    if h > 0.1:\n"
          "        h = ste(4 * h) / 2\nloss L = h**2\n"),
    ("", "h = w[0]\nfor t in range(N):\n    h = h * w[t] + x[t]\n    if h > 0.1:\n        h = h / 2\nloss L = h**2\n"),
]  # fmt: skip


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(("functions", "body"), LOOPS, ids=[body for _, body in LOOPS])
def test_in_loops_and_branches(functions: str, body: str, level: int) -> None:
    checked = program(HEAD + functions + body)
    report = check(checked, module(checked, level=level), sizes={"N": 3}, points=2)
    assert report.ok
    (row,) = report.rows
    assert row.symbolic.status == "ok", row
    assert row.differences.status == "ok", row


def test_stability_rules_reach_adjoints() -> None:
    naive = "def f(a):\n    return log(1 + exp(a))\nadjoint f(a, d):\n    return d * exp(a) / (1 + exp(a))\n"
    m = module(program(text_of(naive, "sum(f(w))")))
    value, grads = m.value_and_grad(X, np.array([-800.0, 0.0, 800.0]))
    assert value == pytest.approx(800 + np.log(2))
    np.testing.assert_allclose(grads.w, [0.0, 0.5, 1.0], rtol=1e-15)


def test_a_result_that_nothing_uses_leaves_no_trace() -> None:
    pair = "def pair(a, b):\n    return a * b, a - b\nadjoint pair(a, b, d_p, d_q):\n"
    pair += "    return d_q + d_p * b, d_p * a - d_q\n"
    text = module_text(program(HEAD + pair + "p, _ = pair(w, x)\nloss L = sum(p**2)\n"), Options())
    assert "0.0" not in text.split("# adjoint of")[-1].split("return L")[0].replace("2.0", "")


def square_twice() -> Graph:
    """x**2 with the adjoint 2 x g, so that the second derivative is 2."""
    a, g, x = (ops.argument(name, REAL) for name in ("a", "g", "x"))
    rule = Graph((a, g), (("d_a", 2.0 * a * g),))
    (y,) = govern([ops.square(x)], [x], rule, (0,), "square")
    return Graph((x,), (("y", y),))


def test_second_derivatives_differentiate_the_adjoint() -> None:
    first = differentiate(square_twice(), "y", ["x"])
    second = differentiate(Graph(first.inputs, (("s", first.output("d_x")),)), "s", ["x"])
    assert evaluate(second, {"x": np.array(3.0)}, {}) == {"s": 6.0, "d_x": 2.0}


def test_the_text_of_the_graph_reads_back() -> None:
    text = print_graph(square_twice())
    again = parse_graph(text)
    verify(again, "parse")
    assert print_graph(again) == text


def test_a_tape_holds_what_was_recorded() -> None:
    x = ops.argument("x", REAL)
    graph = Graph((x,), (("y", ops.stop_gradient(ops.exp(x)) * x),))
    tape = Tape()
    with on(tape):
        evaluate(graph, {"x": np.array(0.0)}, {})
    for _ in range(2):
        with on(tape):
            assert evaluate(graph, {"x": np.array(3.0)}, {})["y"] == 3.0
    assert evaluate(graph, {"x": np.array(1.0)}, {})["y"] == pytest.approx(np.e)
