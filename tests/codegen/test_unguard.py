"""The plain forms of ops on numbers: they raise, or give the same to the last bit; what they make needless."""

from __future__ import annotations

import itertools
import math
import re
from inspect import signature
from math import inf, nan
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.codegen.routines import ROUTINES
from autodiffc.codegen.unguard import unguarded
from autodiffc.compiler import ops
from autodiffc.compiler.ir import OPS, Graph, Node, Op, const
from autodiffc.compiler.types import REAL
from autodiffc.grammar.source import Source

GUARDED = [op for op in OPS.values() if op.plain is not None]
VALUES = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 710.0, -710.0, 800.0, -800.0, 1e200, -1e-100, inf, -inf, nan)
X, Y = (ops.argument(name, REAL) for name in "xy")


def text(fact: Any, node: Node) -> str:
    return fact if isinstance(fact, str) else str(fact(node, str))


def run(code: str, point: dict[str, float]) -> float:
    return float(eval(code, {"math": math, **ROUTINES}, point))  # the op's own text


def bits(value: float) -> bytes:
    return b"nan" if math.isnan(value) else np.float64(value).tobytes()


@pytest.mark.parametrize("op", GUARDED, ids=lambda op: op.name)
def test_plain_is_guarded_or_raises(op: Op) -> None:
    node = op(*(ops.argument(p, REAL) for p in op.params))
    plain, guarded = text(op.plain, node), text(op.scalar, node)
    for values in itertools.product(VALUES, repeat=len(op.params)):
        point = dict(zip(op.params, values))
        try:
            found = run(plain, point)
        except (ArithmeticError, ValueError):
            continue
        assert bits(found) == bits(run(guarded, point)), point


HOLDS = {
    "nonzero": lambda v: v != 0.0,
    "nonnegative": lambda v: v >= 0.0,
    "positive": lambda v: v > 0.0,
    "above -1": lambda v: v > -1.0,
}


@pytest.mark.parametrize("op", [op for op in GUARDED if op.demands], ids=lambda op: op.name)
def test_what_has_not_raised_is_as_demanded(op: Op) -> None:
    plain = text(op.plain, op(*(ops.argument(p, REAL) for p in op.params)))
    for values in itertools.product(VALUES, repeat=len(op.params)):
        point = dict(zip(op.params, values))
        try:
            run(plain, point)
        except (ArithmeticError, ValueError):
            continue
        for name, fact in op.demands.items():
            assert math.isnan(point[name]) or HOLDS[fact](point[name]), (point, fact)


def ops_in(node: Node) -> list[str]:
    return [n.op.name for n in unguarded(Graph((X, Y), (("f", node),))).nodes() if n.args]


def test_guards_that_exceptions_make_needless_go() -> None:
    assert "nonnegative" not in ops_in(ops.log(X) + 1.0 / ops.nonnegative(X))
    assert "gate" not in ops_in(ops.gate(Y * (X / Y), ops.not_equal(Y, 0.0)))
    assert "gate" not in ops_in(X / Y + ops.gate(X, ops.not_equal(Y, 0.0)))
    assert "nonnegative" not in ops_in(ops.log1p(X) + 1.0 / ops.nonnegative(1.0 + X))


def test_guards_stay_where_the_other_side_may_have_been_left_out() -> None:
    left_out = ops.where(ops.greater(Y, 0.0), ops.log(X), const(0.0))
    assert "nonnegative" in ops_in(left_out + 1.0 / ops.nonnegative(X))
    assert "gate" in ops_in(ops.gate(Y, ops.not_equal(X, 0.0)))
    assert "gate" in ops_in(ops.gate(X / Y, ops.not_equal(X, 0.0)))


MODELS = {
    "logs": "log(x) + x * y - sin(y) + x * log(x)",
    "quotients": "x / y + sqrt(x**2 + y**2) + 1 / (x - y)",
    "powers": "x**1.5 + exp(x * y) + y**(-2) + x**4",
    "choices": "where(x > 0, sqrt(x), -x) + maximum(x, y) * minimum(x, 0) + log1p(y)",
    "nested": "maximum(maximum(x, y), x * y) + abs(x) * hypot(x, y) + sigmoid(100 * x) + softplus(y)",
    "rounded": "floor(x) * y + (x % y) + ceil(y) + sign(x) * y",
}


def module(expression: str, level: int) -> ModuleType:
    source = f"input x, y: real\noutput f = {expression}\ngrad f wrt x, y\n"
    return module_of(module_text(program_of(Source("m.dsl", source)), Options(level=level)), "m")


@pytest.mark.parametrize("name", MODELS)
def test_all_levels_agree_at_the_edges_too(name: str) -> None:
    plain, readable, quick = (module(MODELS[name], level) for level in (0, 1, 2))
    for x, y in itertools.product((0.3, -1.7, *VALUES), repeat=2):
        for other in (readable, quick):
            expected, found = plain.value_and_grad(x, y), other.value_and_grad(x, y)
            np.testing.assert_allclose(found[0], expected[0], rtol=1e-12, err_msg=str((x, y)))
            if not (math.isnan(x) or math.isnan(y)):
                np.testing.assert_allclose(found[1], expected[1], rtol=1e-9, err_msg=str((x, y)))
            outputs, cache = other.forward(x, y)
            assert bits(outputs.f) == bits(found[0])
            if not (math.isnan(x) or math.isnan(y)):
                np.testing.assert_allclose(other.backward(cache), expected[1], rtol=1e-9, err_msg=str((x, y)))
            assert bits(other.predict(x, y).f) == bits(found[0])


WHOLE = {
    "a loss": (
        "input cache, x: real\nparam outputs: real\noutput q = log(outputs * cache)\n"
        "output forward = exp(x) / outputs\nloss L = q**2 + forward\n",
        ["forward", "backward"],
    ),
    "not all arguments": (
        "input x: real\nparam w: real\noutput q = log(w)\nloss L = q * exp(x)\n",
        ["forward", "backward", "predict"],
    ),
    "a loop": (
        "input x: real\nparam w: real\nh = w\nfor t in range(20):\n    h = sqrt(h) - log(x) * t\n"
        "output q = h\nloss L = h / x\n",
        ["forward", "backward", "predict"],
    ),
    "training": (
        "input x: real[2, 2]\nparam m: real[2]\nparam v: real[2]\n"
        "output q = log(batch_norm(x, ones(2), ones(2), m, v, training=true))\nloss L = sum(q**2)\n",
        ["predict"],
    ),
}


@pytest.mark.filterwarnings("ignore:invalid value")  # of NumPy's arrays, where the value is NaN
@pytest.mark.parametrize("name", WHOLE)
def test_one_function_with_guards_serves_several_without(name: str) -> None:
    source, guarded = WHOLE[name]
    program = program_of(Source("m.dsl", source))
    text = module_text(program, Options(level=2, emit=("workspace",)))
    assert re.findall(r"def _(\w+)_guarded\(", text) == guarded
    plain, quick = module_of(module_text(program, Options(level=0)), "m"), module_of(text, "m")
    predicting = set(signature(plain.predict).parameters)
    for values in itertools.product((0.3, 2.0, 0.0, -1.0, 800.0, inf), repeat=len(program.arguments)):
        sizes = ([d.known for d in a.type.shape] for a in program.arguments)
        point = {a.name: np.full(size, v) for a, size, v in zip(program.arguments, sizes, values)}
        compare(quick.forward(**point)[0], plain.forward(**point)[0])
        compare(quick.value_and_grad(**point), plain.value_and_grad(**point))
        fewer = {name: value for name, value in point.items() if name in predicting}
        compare(quick.predict(**fewer), plain.predict(**fewer))


def compare(found: Any, expected: Any) -> None:
    """The same numbers, however deep in tuples."""
    if isinstance(expected, tuple):
        for one, other in zip(found, expected):
            compare(one, other)
    elif expected is None:
        assert found is None
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_results_have_their_types() -> None:
    quick = module(MODELS["logs"], 2)
    value, grads = quick.value_and_grad(2, np.float64(5.0))
    assert type(value) is float
    assert type(grads) is quick.Grads
    assert grads._fields == ("x", "y")
    assert all(type(g) is float for g in grads)
    with pytest.raises(TypeError, match="expected real"):
        quick.value_and_grad("a", 1.0)
