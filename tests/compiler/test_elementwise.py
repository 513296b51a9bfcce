"""Every elementwise op of the registry: values, texts, first and second derivatives, bounds, edges."""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
import pytest
import sympy as sp
from autodiffc.codegen.routines import ROUTINES
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import OPS, Graph, Node, Op
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.types import BOOL, REAL, Dim, Kind, Type

Point = tuple[float, ...]

BOOLEAN = {
    "logical_and": (0, 1), "logical_or": (0, 1), "logical_not": (0,), "where": (0,), "gate": (1,),
    "gate_finite": (1,),
}  # fmt: skip
CASTS = {"to_real", "to_int", "to_bool"}
ATTRS: dict[str, dict[str, Any]] = {"polygamma": {"n": 2}}  # of ops that want some
ELEMENTWISE = [op for op in OPS.values() if op.elementwise and op.name not in CASTS]
SAMPLES = 6

every_op = pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)


def is_bool(op: Op, position: int) -> bool:
    return position in BOOLEAN.get(op.name, ())


def arguments(op: Op, shape: tuple[Dim, ...] = ()) -> list[Node]:
    kinds: list[Kind] = ["bool" if is_bool(op, i) else "real" for i in range(len(op.params))]
    return [ops.argument(name, Type(kind, shape)) for name, kind in zip(op.params, kinds)]


def points(op: Op) -> list[Point]:
    """Random points of the op's domain."""
    rng = np.random.default_rng(sum(map(ord, op.name)))
    return [
        tuple(
            float(rng.random() < 0.5) if is_bool(op, i) else float(rng.uniform(low, high))
            for i, (low, high) in enumerate(op.domain)
        )
        for _ in range(SAMPLES)
    ]


def typed(op: Op, point: Point) -> dict[str, Any]:
    return {n: np.array(bool(v) if is_bool(op, i) else v) for i, (n, v) in enumerate(zip(op.params, point))}


def applied(op: Op, args: list[Node]) -> Node:
    return op(*args, **ATTRS.get(op.name, {}))


def evaluated(op: Op, *args: Any) -> Any:
    with np.errstate(all="ignore"):
        return op.eval(*args, **ATTRS.get(op.name, {}))


def value_at(op: Op, point: Point) -> Any:
    return evaluated(op, *typed(op, point).values())


def derivative_graph(op: Op, order: int = 1) -> tuple[Graph, list[str]]:
    args = arguments(op)
    wrt = [a["name"] for a in args if a.type.kind == "real"]
    out = applied(op, args)
    graph = Graph(tuple(args), (("out", out),))
    return (differentiate(graph, "out", wrt), wrt) if out.type.kind == "real" else (graph, [])


def symbolic(op: Op) -> tuple[Any, list[Any]]:
    symbols = [sp.Symbol(n) if is_bool(op, i) else sp.Symbol(n, real=True) for i, n in enumerate(op.params)]
    assert op.sympy is not None
    return op.sympy(sp, *symbols, **ATTRS.get(op.name, {})), symbols


def number(expression: Any, symbols: list[Any], op: Op, point: Point) -> float:
    values = {
        s: (sp.true if v else sp.false) if is_bool(op, i) else sp.Float(v, 40)
        for i, (s, v) in enumerate(zip(symbols, point))
    }
    result = sp.sympify(expression).subs(values)
    return float(bool(result)) if result in (sp.true, sp.false) else float(sp.N(result, 30))


def test_every_elementwise_op_states_its_facts() -> None:
    for op in ELEMENTWISE:
        assert len(op.domain) == len(op.params), op.name
        assert op.doc.strip(), op.name
        assert op.sympy is not None, op.name
        assert op.scalar is not None, op.name


@every_op
def test_value_is_that_of_the_sympy_expression(op: Op) -> None:
    expression, symbols = symbolic(op)
    for point in points(op):
        expected = number(expression, symbols, op, point)
        assert float(value_at(op, point)) == pytest.approx(expected, rel=2e-14, abs=1e-300), point


@every_op
def test_derivatives_to_second_order_are_those_of_sympy(op: Op) -> None:
    graph, wrt = derivative_graph(op)
    expression, symbols = symbolic(op)
    for first in wrt:
        slope = sp.diff(expression, next(s for s in symbols if s.name == first))
        again = differentiate(graph, f"d_{first}", wrt)
        again = Graph(again.inputs, again.outputs[-len(wrt) :])
        for point in points(op):
            values = typed(op, point)
            have = evaluate(graph, values, {})[f"d_{first}"]
            assert float(have) == pytest.approx(number(slope, symbols, op, point), rel=1e-13, abs=1e-15)
            second = evaluate(again, values, {})
            for name in wrt:
                curvature = sp.diff(slope, next(s for s in symbols if s.name == name))
                want = number(curvature, symbols, op, point)
                assert float(second[f"d_{name}"]) == pytest.approx(want, rel=1e-12, abs=1e-14), (name, point)


@every_op
def test_derivative_is_the_limit_of_differences(op: Op) -> None:
    graph, wrt = derivative_graph(op)
    for point in points(op):
        found = evaluate(graph, typed(op, point), {})
        for name in wrt:
            assert float(found[f"d_{name}"]) == pytest.approx(difference(op, point, name), rel=1e-7, abs=1e-8)


def difference(op: Op, point: Point, name: str) -> float:
    """A central difference with one step of Richardson's extrapolation."""
    position = op.params.index(name)

    def central(h: float) -> float:
        high, low = list(point), list(point)
        high[position] += h
        low[position] -= h
        return float(value_at(op, tuple(high)) - value_at(op, tuple(low))) / (high[position] - low[position])

    return (4.0 * central(5e-4) - central(1e-3)) / 3.0


# --- texts ---------------------------------------------------------------------------------------


def run(text: str, names: dict[str, Any]) -> Any:
    scope = {"np": np, "math": math, "_REAL": np.float64, **ROUTINES, **names}
    return eval(compile(ast.parse(text, mode="eval"), "<text>", "eval"), scope)


def text_of(template: str | Callable[..., str] | None, node: Node) -> str:
    assert template is not None
    return template if isinstance(template, str) else template(node, str)


def assert_same(have: Any, want: Any) -> None:
    np.testing.assert_allclose(np.asarray(have, float), np.asarray(want, float), rtol=4e-15, atol=0.0)


@every_op
def test_scalar_text_is_the_value_without_exceptions(op: Op) -> None:
    text = text_of(op.scalar, applied(op, arguments(op)))
    for point in [*points(op), *op.special]:
        values = {n: bool(v) if is_bool(op, i) else v for i, (n, v) in enumerate(zip(op.params, point))}
        assert_same(run(text, values), value_at(op, point))


def columns_of(op: Op, columns: list[Any], dtype: type = np.float64) -> dict[str, Any]:
    return {
        n: c.astype(bool if is_bool(op, i) else dtype) for i, (n, c) in enumerate(zip(op.params, columns))
    }


@every_op
def test_array_text_is_the_value(op: Op) -> None:
    text = text_of(op.py, applied(op, arguments(op, (Dim.symbol("N"),))))
    for chosen, action in ((points(op), "error"), (list(op.special), "ignore")):
        if not chosen:
            continue
        columns = [np.array(column) for column in zip(*chosen)]
        names = columns_of(op, columns)
        with warnings.catch_warnings():
            warnings.simplefilter(action)  # type: ignore[arg-type]
            have = run(text, names)
        assert_same(have, [value_at(op, point) for point in chosen])


@every_op
def test_array_text_keeps_float32(op: Op) -> None:
    node = applied(op, arguments(op, (Dim.symbol("N"),)))
    columns = [np.array(c) for c in zip(*points(op))]
    names = columns_of(op, columns, np.float32)
    have = run(text_of(op.py, node), names)
    assert have.dtype == (np.float32 if node.type.kind == "real" else np.bool_)


@pytest.mark.parametrize("exponent", [-3.0, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 2.5])
def test_texts_of_powers_with_a_constant_exponent(exponent: float) -> None:
    samples = [0.7, 2.0, 1e200, 1e-200, *([-1.5, -0.0] if exponent.is_integer() else [])]
    node = ops.argument("x", REAL) ** exponent
    for x in samples:
        with np.errstate(all="ignore"):
            want = np.power(x, exponent)
            have = run(text_of(OPS["power"].py, node), {"x": np.array([x]), "y": exponent})
        assert_same(have[0], want)
        assert_same(run(text_of(OPS["power"].scalar, node), {"x": x, "y": exponent}), want)


@pytest.mark.parametrize("name", ["floordiv", "mod", "sign", "maximum", "minimum", "abs", "square", "clip"])
def test_scalar_text_on_ints(name: str) -> None:
    op = OPS[name]
    args = [ops.argument(p, Type("int")) for p in op.params]
    values = dict(zip(op.params, (-7, 2, 3)))
    have = run(text_of(op.scalar, op(*args)), values)
    assert have == op.eval(*map(np.array, values.values()))
    assert isinstance(have, int)


@pytest.mark.parametrize("x", [0, 7, -7])
@pytest.mark.parametrize("name", ["floordiv", "mod"])
def test_ints_divided_by_0_are_0_as_in_numpy(name: str, x: int) -> None:
    op, args = OPS[name], [ops.argument(p, Type("int")) for p in "xy"]
    assert (
        run(text_of(op.scalar, op(*args)), {"x": x, "y": 0}) == evaluated(op, np.array(x), np.array(0)) == 0
    )
    assert text_of(op.scalar, op(args[0], 2)) in ("x // y", "x % y")


# --- bounds --------------------------------------------------------------------------------------


@every_op
def test_bounds_hold_every_value(op: Op) -> None:
    if op.bounds is None:
        return
    rng = np.random.default_rng(7)
    for scale in (1.0, 30.0, 1e200):
        for _ in range(40):
            corners = [np.sort(scale * rng.normal(size=2) * rng.integers(0, 2, 2)) for _ in op.params]
            corners = [np.array([0.0, 1.0]) if is_bool(op, i) else c for i, c in enumerate(corners)]
            low, high = op.bounds(*(tuple(map(float, c)) for c in corners))
            inside = [rng.uniform(0.0, 1.0, 9) * (c[1] - c[0]) + c[0] for c in corners]
            columns = [np.clip(np.append(v, c), c[0], c[1]) for v, c in zip(inside, corners)]
            columns = [np.round(c).astype(bool) if is_bool(op, i) else c for i, c in enumerate(columns)]
            values = np.asarray(evaluated(op, *columns), float)
            known = values[~np.isnan(values)]
            assert np.all((low <= known) & (known <= high)), (corners, low, high, known)


# --- edges ---------------------------------------------------------------------------------------

E = math.e
SELU = 1.0507009873554805 * 1.6732632423543773

# op, point, derivative by each argument (None: not looked at)
EDGES: list[tuple[str, Point, tuple[float | None, ...]]] = [
    ("abs", (0.0,), (0.0,)), ("abs", (-0.0,), (0.0,)), ("abs", (-2.0,), (-1.0,)),
    ("sign", (0.0,), (0.0,)), ("sign", (3.0,), (0.0,)), ("floor", (2.0,), (0.0,)),
    ("ceil", (2.0,), (0.0,)), ("round", (2.5,), (0.0,)),
    ("square", (0.0,), (0.0,)),
    ("sqrt", (0.0,), (inf,)), ("sqrt", (-0.0,), (inf,)), ("sqrt", (-1.0,), (nan,)),
    ("cbrt", (0.0,), (inf,)), ("cbrt", (-0.0,), (inf,)), ("cbrt", (-8.0,), (1 / 12,)),
    ("exp", (-inf,), (0.0,)), ("exp", (800.0,), (inf,)),
    ("expm1", (-40.0,), (math.exp(-40.0),)), ("expm1", (0.0,), (1.0,)),
    ("log", (0.0,), (inf,)), ("log", (-0.0,), (inf,)), ("log", (-1.0,), (nan,)),
    ("log2", (0.0,), (inf,)), ("log2", (-0.0,), (inf,)), ("log2", (-1.0,), (nan,)),
    ("log10", (0.0,), (inf,)), ("log10", (-0.0,), (inf,)), ("log10", (-1.0,), (nan,)),
    ("log1p", (-1.0,), (inf,)), ("log1p", (-2.0,), (nan,)), ("log1p", (0.0,), (1.0,)),
    ("arcsin", (1.0,), (inf,)), ("arcsin", (-1.0,), (inf,)), ("arcsin", (1.5,), (nan,)),
    ("arccos", (1.0,), (-inf,)), ("arccos", (-1.0,), (-inf,)), ("arccos", (-1.5,), (nan,)),
    ("arcsin", (1.0 - 1e-12,), (707114.6025256454,)),
    ("arctan", (1e200,), (0.0,)), ("arctan", (0.0,), (1.0,)),
    ("arcsinh", (1e200,), (1e-200,)), ("arcsinh", (-1e200,), (1e-200,)),
    ("arccosh", (1.0,), (inf,)), ("arccosh", (1.0 + 1e-10,), (70710.67519157329,)),
    ("arccosh", (0.5,), (nan,)),
    ("arctanh", (1.0,), (inf,)), ("arctanh", (-1.0,), (inf,)), ("arctanh", (2.0,), (nan,)),
    ("tanh", (0.0,), (1.0,)), ("tanh", (inf,), (0.0,)), ("tan", (0.0,), (1.0,)),
    ("sinh", (0.0,), (1.0,)), ("cosh", (0.0,), (0.0,)), ("sin", (0.0,), (1.0,)), ("cos", (0.0,), (0.0,)),
    ("reciprocal", (0.0,), (-inf,)), ("reciprocal", (-0.0,), (-inf,)), ("reciprocal", (2.0,), (-0.25,)),
    ("sigmoid", (0.0,), (0.25,)), ("sigmoid", (-800.0,), (0.0,)), ("sigmoid", (800.0,), (0.0,)),
    ("sigmoid", (-40.0,), (math.exp(-40.0),)),
    ("log_sigmoid", (0.0,), (0.5,)), ("log_sigmoid", (-inf,), (1.0,)), ("log_sigmoid", (800.0,), (0.0,)),
    ("softplus", (0.0,), (0.5,)), ("softplus", (800.0,), (1.0,)), ("softplus", (-inf,), (0.0,)),
    ("relu", (0.0,), (0.0,)), ("relu", (-0.0,), (0.0,)), ("relu", (1e-300,), (1.0,)),
    ("relu", (-inf,), (0.0,)),
    ("leaky_relu", (0.0, 0.1), (0.1, 0.0)), ("leaky_relu", (-2.0, 0.1), (0.1, -2.0)),
    ("leaky_relu", (3.0, 0.1), (1.0, 0.0)),
    ("elu", (0.0, 1.5), (1.5, 0.0)), ("elu", (1000.0, 1.5), (1.0, 0.0)), ("elu", (-inf, 1.5), (0.0, -1.0)),
    ("selu", (0.0,), (SELU,)), ("selu", (1000.0,), (1.0507009873554805,)),
    ("silu", (0.0,), (0.5,)), ("silu", (800.0,), (1.0,)), ("silu", (-800.0,), (0.0,)),
    ("gelu_tanh", (0.0,), (0.5,)), ("gelu_tanh", (1e200,), (1.0,)), ("gelu_tanh", (-1e200,), (0.0,)),
    ("clip", (-1.0, -1.0, 1.0), (0.0, 1.0, 0.0)), ("clip", (1.0, -1.0, 1.0), (0.0, 0.0, 1.0)),
    ("clip", (0.0, -1.0, 1.0), (1.0, 0.0, 0.0)), ("clip", (5.0, -1.0, 1.0), (0.0, 0.0, 1.0)),
    ("clip", (-5.0, -1.0, 1.0), (0.0, 1.0, 0.0)), ("clip", (0.0, 2.0, 1.0), (0.0, 0.0, 1.0)),
    ("div", (1.0, 0.0), (inf, -inf)), ("div", (1e200, 1e160), (1e-160, -1e-120)),
    ("div", (1e-200, 1e-180), (1e180, -1e160)), ("div", (0.0, 2.0), (0.5, -0.0)),
    ("power", (0.0, 0.0), (0.0, 0.0)), ("power", (0.0, 2.0), (0.0, 0.0)),
    ("power", (0.0, -1.0), (-inf, -inf)),
    ("power", (-2.0, 3.0), (12.0, nan)), ("power", (2.0, 0.0), (0.0, math.log(2.0))),
    ("maximum", (1.0, 1.0), (0.0, 1.0)), ("maximum", (2.0, 1.0), (1.0, 0.0)),
    ("maximum", (0.0, -0.0), (0.0, 1.0)),
    ("minimum", (1.0, 1.0), (0.0, 1.0)), ("minimum", (2.0, 1.0), (0.0, 1.0)),
    ("where", (1.0, 2.0, 3.0), (None, 1.0, 0.0)), ("where", (0.0, 2.0, 3.0), (None, 0.0, 1.0)),
    ("arctan2", (0.0, 0.0), (nan, nan)), ("arctan2", (1e200, 1e200), (5e-201, -5e-201)),
    ("arctan2", (1e-200, 1e-200), (5e199, -5e199)),
    ("hypot", (0.0, 0.0), (0.0, 0.0)), ("hypot", (1e200, 5e199), (2 / math.sqrt(5), 1 / math.sqrt(5))),
    ("logaddexp", (inf, inf), (0.5, 0.5)), ("logaddexp", (-inf, -inf), (0.0, 0.0)),
    ("logaddexp", (inf, 0.0), (1.0, 0.0)), ("logaddexp", (0.0, -inf), (1.0, 0.0)),
    ("logaddexp", (800.0, -800.0), (1.0, 0.0)), ("logaddexp", (3.0, 3.0), (0.5, 0.5)),
    ("xlogy", (0.0, 0.0), (-inf, 0.0)), ("xlogy", (0.0, 2.0), (math.log(2.0), 0.0)),
    ("xlogy", (2.0, 0.0), (-inf, inf)), ("xlogy", (2.0, -1.0), (nan, nan)),
    ("xlog1py", (0.0, -1.0), (-inf, 0.0)), ("xlog1py", (2.0, -1.0), (-inf, inf)),
    ("mod", (7.0, 2.0), (1.0, -3.0)), ("mod", (-7.0, 2.0), (1.0, 4.0)), ("floordiv", (7.0, 2.0), (0.0, 0.0)),
    ("bce_with_logits", (inf, 1.0), (0.0, -inf)), ("bce_with_logits", (40.0, 1.0), (-math.exp(-40.0), -40.0)),
    ("bce_with_logits", (-inf, 0.0), (0.0, inf)), ("bce_with_logits", (0.0, 0.5), (0.0, -0.0)),
    ("log1mexp", (0.0,), (inf,)), ("log1mexp", (1e-20,), (1e20,)), ("log1mexp", (800.0,), (0.0,)),
    ("log1mexp", (-1.0,), (nan,)),
    ("logit", (0.0,), (inf,)), ("logit", (1.0,), (inf,)), ("logit", (0.5,), (4.0,)),
    ("logit", (1.5,), (nan,)),
    ("rel_entr", (0.0, 2.0), (-inf, 0.0)), ("rel_entr", (1.0, 1.0), (1.0, -1.0)),
    ("rel_entr", (0.0, 0.0), (None, 0.0)),
    ("erf", (0.0,), (2 / math.sqrt(math.pi),)), ("erf", (inf,), (0.0,)), ("erfc", (-inf,), (-0.0,)),
    ("erfc", (26.0,), (-2 / math.sqrt(math.pi) * math.exp(-676.0),)), ("log_erfc", (1e8,), (-2e8,)),
    ("log_erfc", (-40.0,), (-0.0,)), ("erfcx", (0.0,), (-2 / math.sqrt(math.pi),)),
    ("ndtr", (0.0,), (1 / math.sqrt(2 * math.pi),)), ("ndtr", (-inf,), (0.0,)),
    ("gelu", (0.0,), (0.5,)), ("gelu", (inf,), (1.0,)), ("gelu", (-inf,), (0.0,)), ("gelu", (1e200,), (1.0,)),
    ("gelu", (-10.0,), (-7.618400096464086e-22,)),
    ("lgamma", (0.0,), (-inf,)), ("lgamma", (-1.0,), (nan,)), ("lgamma", (1.0,), (-0.5772156649015329,)),
    ("lgamma", (-0.0,), (inf,)), ("digamma", (0.0,), (inf,)), ("digamma", (-3.0,), (nan,)),
    ("digamma", (1.0,), (math.pi**2 / 6,)), ("lbeta", (1e12, 2.0), (-1.999999999999e-12, -27.20823678083158)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "point", "expected"), EDGES, ids=lambda v: str(v))
def test_derivative_at_an_edge(name: str, point: Point, expected: tuple[float | None, ...]) -> None:
    op = OPS[name]
    graph, _ = derivative_graph(op)
    found = evaluate(graph, typed(op, point), {})
    for parameter, want in zip(op.params, expected):
        if want is not None:
            np.testing.assert_allclose(found[f"d_{parameter}"], want, rtol=1e-12, atol=0.0)


# constant exponents follow their own rules
POWERS: list[tuple[float, float, float]] = [
    (0.0, 0.0, 0.0), (nan, 0.0, 0.0), (inf, 0.0, 0.0), (0.0, 1.0, 1.0), (-3.0, 2.0, -6.0), (0.0, 2.0, 0.0),
    (0.0, 3.0, 0.0), (-2.0, 3.0, 12.0), (0.0, -1.0, -inf), (0.0, 0.5, inf), (-1.0, 0.5, nan), (0.0, 1.5, 0.0),
    (0.0, -0.5, -inf), (-2.0, 1.5, nan), (4.0, 0.5, 0.25), (-2.0, -2.0, 0.25),
]  # fmt: skip


@pytest.mark.parametrize(("x", "exponent", "expected"), POWERS)
def test_derivative_of_a_constant_power(x: float, exponent: float, expected: float) -> None:
    argument = ops.argument("x", REAL)
    graph = differentiate(Graph((argument,), (("out", argument**exponent),)), "out", ["x"])
    np.testing.assert_allclose(evaluate(graph, {"x": np.array(x)}, {})["d_x"], expected, rtol=1e-14)


def test_value_conventions() -> None:
    x = np.array([nan, -inf, inf])
    np.testing.assert_array_equal(OPS["relu"].eval(x), [nan, 0.0, inf])
    np.testing.assert_array_equal(OPS["silu"].eval(x), [nan, 0.0, inf])
    np.testing.assert_array_equal(OPS["gelu_tanh"].eval(x), [nan, 0.0, inf])
    assert value_at(OPS["bce_with_logits"], (inf, 1.0)) == 0.0
    assert value_at(OPS["xlogy"], (0.0, 0.0)) == 0.0
    assert math.isnan(value_at(OPS["xlogy"], (0.0, nan)))
    assert value_at(OPS["rel_entr"], (1e-310, 1e10)) < 0.0
    assert value_at(OPS["log1mexp"], (1e-20,)) == pytest.approx(math.log(1e-20))


def test_kinds() -> None:
    n, x, c = (ops.argument(name, kind) for name, kind in (("n", Type("int")), ("x", REAL), ("c", BOOL)))
    assert (n + 1).type.kind == "int"
    assert (n + 1.5).type.kind == "real"
    assert (n / 2).type.kind == "real"
    assert (n**2).type.kind == "int"
    assert (n**-1).type.kind == "real"
    assert (c + c).type.kind == "int"
    assert (x < n).type.kind == "bool"
    assert ops.where(c, n, 0).type.kind == "int"
    assert ops.where(c, x, 0).type.kind == "real"
    assert ops.exp(n).type.kind == "real"
