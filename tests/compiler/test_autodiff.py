"""The reverse pass: activity, forks, broadcasting, masked zeros, names, origins, second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node, NonDiff, Op, Origin, const
from autodiffc.compiler.passes.autodiff import NotDifferentiable, differentiate, gradients, unbroadcast
from autodiffc.compiler.passes.narrow import Narrow
from autodiffc.compiler.types import INT, REAL, Dim, Type
from autodiffc.grammar.source import Source, Span

N, D = Dim.symbol("N"), Dim.symbol("D")
SIZES = {"N": 3, "D": 4}


def total(node: Node) -> Node:
    return ops.sum(node, axis=tuple(range(node.rank)), keepdims=False) if node.rank else node


def derived(loss: Node, *wrt: Node, **options: Any) -> Graph:
    return differentiate(Graph(wrt, (("L", loss),)), "L", [w["name"] for w in wrt], **options)


def gradient(loss: Node, wrt: Node, **values: Any) -> Any:
    inputs = [n for n in Graph((), (("L", loss),)).nodes() if n.op.name == "argument"]
    graph = differentiate(Graph(tuple(inputs), (("L", loss),)), "L", [wrt["name"]])
    arrays = {k: np.asarray(v, float) for k, v in values.items()}
    return evaluate(graph, arrays, SIZES)[f"d_{wrt['name']}"]


def op_names(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes()]


s, t, u = (ops.argument(name, REAL) for name in "stu")
x = ops.argument("x", Type("real", (N, D)))

# --- what is differentiated ----------------------------------------------------------------------


def test_a_fork_adds_its_contributions() -> None:
    assert gradient(s * s + ops.exp(s), s, s=2.0) == pytest.approx(4.0 + np.exp(2.0))
    assert gradient(s * s, s, s=3.0) == 6.0


def test_the_textbook_example() -> None:
    f = (s + t) * ops.maximum(t, u)
    have = [gradient(f, w, s=1.0, t=2.0, u=0.0) for w in (s, t, u)]
    assert have == [2.0, 5.0, 0.0]


def test_what_the_target_does_not_depend_on_gets_zeros() -> None:
    graph = derived(total(x), x, ops.argument("b", Type("real", (D,))))
    found = evaluate(graph, {"x": np.ones((3, 4)), "b": np.ones(4)}, SIZES)
    np.testing.assert_array_equal(found["d_b"], np.zeros(4))
    assert evaluate(derived(s * 1.0, t, s), {"s": np.array(1.0), "t": np.array(1.0)}, {})["d_t"] == 0.0


def test_only_what_lies_between_is_differentiated() -> None:
    data = ops.exp(ops.sin(t))
    graph = differentiate(Graph((s, t), (("L", data * s),)), "L", ["s"])
    assert "cos" not in op_names(graph)
    assert op_names(graph).count("exp") == 1


def test_the_target_itself_and_interior_values() -> None:
    y = s * s
    loss = ops.exp(y) * t
    found = gradients(loss, [y], None, Graph((s, t), (("L", loss),)))
    graph = Graph((s, t), (("d", found.of(y)),))
    arguments = {"s": np.array(0.5), "t": np.array(3.0)}
    assert evaluate(graph, arguments, {})["d"] == pytest.approx(3.0 * np.exp(0.25))
    assert gradient(s, s, s=2.0) == 1.0


def test_a_seed_is_the_cotangent_of_the_target() -> None:
    seed = ops.argument("d_y", Type("real", (N, D)))
    graph = differentiate(Graph((x,), (("y", ops.sin(x)),)), "y", ["x"], seed)
    assert graph.inputs == (x, seed)
    rng = np.random.default_rng(0)
    value, cotangent = rng.normal(size=(2, 3, 4))
    found = evaluate(graph, {"x": value, "d_y": cotangent}, SIZES)
    np.testing.assert_allclose(found["d_x"], cotangent * np.cos(value), rtol=1e-15)


def test_integers_and_booleans_have_no_cotangent() -> None:
    n = ops.argument("n", INT)
    graph = differentiate(Graph((s, n), (("L", s**2 * n + ops.where(s > 0.0, s, 0.0)),)), "L", ["s"])
    assert evaluate(graph, {"s": np.array(3.0), "n": np.array(2)}, {})["d_s"] == 13.0


def test_piecewise_constant_ops_stop_the_flow() -> None:
    assert gradient(s * ops.floor(s), s, s=2.5) == 2.0
    assert gradient(ops.round(s), s, s=2.5) == 0.0


def test_an_op_without_derivative_is_named() -> None:
    rule = NonDiff("it has no rule")
    rough = Op("rough", ("x",), "", lambda x: x, lambda x: x, rule, "x", elementwise=True)
    node = rough(s)
    with pytest.raises(NotDifferentiable, match="rough has no derivative: it has no rule") as caught:
        derived(node * 2.0, s)
    assert caught.value.node is node
    assert gradient(rough(t) * s, s, s=1.0, t=4.0) == 4.0  # not on the path


# --- broadcasting --------------------------------------------------------------------------------

ONE = Dim.of(1)
SHAPES: list[tuple[tuple[Dim, ...], tuple[Dim, ...]]] = [
    ((N, D), ()), ((N, D), (D,)), ((N, D), (N, ONE)), ((N, D), (ONE, D)), ((N, D), (ONE, ONE)),
    ((N, D), (ONE,)),
    ((N, ONE), (ONE, D)), ((ONE, N, D), (N, ONE)), ((N, D), (N, D)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_broadcasting_is_undone(left: tuple[Dim, ...], right: tuple[Dim, ...]) -> None:
    a, b = ops.argument("a", Type("real", left)), ops.argument("b", Type("real", right))
    graph = derived(total(ops.sin(a * b + b)), a, b)
    assert graph.output("d_a").type == a.type
    assert graph.output("d_b").type == b.type
    rng = np.random.default_rng(1)
    values = {n["name"]: rng.normal(size=[d.evaluate(SIZES) for d in n.shape]) for n in (a, b)}
    found = evaluate(graph, values, SIZES)

    def loss(**changed: Any) -> Any:
        return evaluate(graph, {**values, **changed}, SIZES)["L"]

    for name in "ab":
        step = 1e-6 * rng.normal(size=values[name].shape)
        rise = loss(**{name: values[name] + step}) - loss(**{name: values[name] - step})
        assert 2.0 * np.sum(found[f"d_{name}"] * step) == pytest.approx(float(rise), rel=1e-6)


def test_unbroadcast_sums_once() -> None:
    g = ops.argument("g", Type("real", (N, D)))
    assert unbroadcast(g, (N, D)) is g
    assert unbroadcast(g, (D,)).op.name == "sum"
    assert unbroadcast(g, (N, ONE)).op.name == "sum"
    assert unbroadcast(g, (ONE, D)).type.shape == (ONE, D)


# --- masked zeros --------------------------------------------------------------------------------

Function = Callable[[Node], Node]

# an unused branch with an infinite slope at 0: name, model, derivative at 0
UNUSED: list[tuple[str, Function, float]] = [
    ("sqrt", lambda v: ops.where(v > 0.0, ops.sqrt(v), 0.0), 0.0),
    ("sqrt below a product", lambda v: ops.where(v > 0.0, 3.0 * ops.sqrt(v), v), 1.0),
    ("log", lambda v: ops.where(v > 0.0, ops.log(v), 0.0), 0.0),
    ("x log x", lambda v: ops.where(v > 0.0, v * ops.log(v), 0.0), 0.0),
    ("1/x", lambda v: ops.where(v > 0.0, 1.0 / v, 2.0 * v), 2.0),
    ("sin(1/x)", lambda v: ops.where(v > 0.0, ops.sin(1.0 / v), v), 1.0),
    ("power", lambda v: ops.where(v > 0.0, v**0.3, v), 1.0),
    ("cbrt", lambda v: ops.where(v > 0.0, ops.cbrt(v), v), 1.0),
    ("sqrt of relu", lambda v: ops.sqrt(ops.relu(v - 1.0)), 0.0),
    ("atan2", lambda v: ops.where(v > 0.0, ops.arctan2(v, v), v), 1.0),
    ("clip", lambda v: ops.minimum(1.0 / v, 5.0), 0.0),
    ("factor 0", lambda v: const(0.0) * ops.sqrt(v), 0.0),
]


@pytest.mark.parametrize(("name", "model", "expected"), UNUSED)
def test_an_unused_infinite_slope_is_masked(name: str, model: Function, expected: float) -> None:
    graph = derived(model(s), s)
    found = evaluate(graph, {"s": np.array(0.0)}, {})["d_s"]
    assert found == expected
    again = differentiate(graph, "d_s", ["s"])
    second = evaluate(Graph(again.inputs, again.outputs[-1:]), {"s": np.array(0.0)}, {})["d_s"]
    assert second == 0.0


def test_a_used_infinite_slope_stays_infinite() -> None:
    assert gradient(ops.where(s > 1.0, s, ops.sqrt(s)), s, s=0.0) == inf
    assert gradient(ops.sqrt(ops.relu(s)), s, s=-1.0) == 0.0


def test_overflow_in_a_branch_that_is_not_taken() -> None:
    assert gradient(ops.where(s > 0.0, s, ops.exp(s)), s, s=1000.0) == 1.0
    assert gradient(ops.minimum(ops.exp(s), 10.0), s, s=1000.0) == 0.0
    assert gradient(ops.where(s < 5.0, ops.exp(s) * t, 0.0), t, s=1000.0, t=2.0) == 0.0


def test_a_parameter_that_is_zero_does_not_make_nan() -> None:
    assert gradient(t * ops.sqrt(s), s, s=0.0, t=0.0) == 0.0
    assert gradient(t * ops.sqrt(s), s, s=0.0, t=2.0) == inf
    assert gradient(t * ops.xlogy(s, s), s, s=0.0, t=0.0) == 0.0
    assert gradient(t * ops.rel_entr(s, u), s, s=0.0, t=0.0, u=1.0) == 0.0


def test_the_mask_leaves_mixed_derivatives_alone() -> None:
    """At t = 0 the cotangent of sqrt(s) is 0 by chance, and d2/ds dt is still 1 / (2 sqrt(s))."""
    graph = derived(ops.where(s > 0.0, ops.sqrt(s), 0.0) * t, s, t)
    second = differentiate(graph, "d_s", ["t"])
    found = evaluate(Graph(second.inputs, second.outputs[-1:]), {"s": np.array(4.0), "t": np.array(0.0)}, {})
    assert found["d_t"] == 0.25


NEEDLESS: list[tuple[str, Function]] = [
    ("sqrt(1 + x*x)", lambda v: ops.relu(ops.sqrt(1.0 + v * v))),
    ("log(exp(x) + 1)", lambda v: ops.relu(ops.log(ops.exp(ops.minimum(v, 9.0)) + 1.0))),
    ("no selector", lambda v: ops.log(v) + ops.sqrt(v)),
    ("bounded exp", lambda v: ops.where(v > 0.0, v, ops.exp(ops.minimum(v, 0.0)))),
    ("divided by a dim", lambda v: ops.relu(v / ops.sqrt(ops.dim_value(N)))),
]


@pytest.mark.parametrize(("name", "model"), NEEDLESS)
def test_no_mask_where_it_is_useless(name: str, model: Function) -> None:
    assert "masked" not in op_names(derived(model(s), s))


def test_constraints_spare_masks() -> None:
    loss = ops.relu(s / t)
    assert "masked" in op_names(derived(loss, s, t))
    assert "masked" not in op_names(derived(loss, s, t, ranges={"t": (5e-324, inf)}))
    assert "masked" not in op_names(derived(loss, s, t, masked_zero=False))


def test_a_gate_is_a_product_where_the_cotangent_is_finite() -> None:
    assert "gate_finite" in op_names(derived(total(ops.square(ops.relu(x))), x))
    graph = derived(ops.sqrt(ops.relu(s)), s)
    assert "gate_finite" not in op_names(graph)
    assert evaluate(graph, {"s": np.array(-1.0)}, {})["d_s"] == 0.0


def test_nan_does_not_spread_to_other_elements() -> None:
    value = np.array([[nan, 1.0, -1.0, 4.0]] * 3)
    loss = total(ops.where(x > 0.0, ops.log(x), ops.relu(x)))
    found = gradient(loss, x, x=value)
    np.testing.assert_array_equal(found[:, 1:], [[1.0, 0.0, 0.25]] * 3)


# --- guards that a model doesn't need ------------------------------------------------------------


def test_narrow_drops_guards_by_intervals() -> None:
    graph = derived(ops.log(s) + s**t, s, t, ranges={"s": (5e-324, inf)})
    assert {"nonnegative", "gate"} <= set(op_names(graph))
    narrowed = Narrow({"s": (5e-324, inf)}).run(graph)
    assert not {"nonnegative", "gate"} & set(op_names(narrowed))
    arguments = {"s": np.array(2.0), "t": np.array(3.0)}
    assert evaluate(narrowed, arguments, {}) == evaluate(graph, arguments, {})


def test_narrow_keeps_what_a_negative_zero_or_nan_needs() -> None:
    assert "nonnegative" in op_names(Narrow({"s": (0.0, inf)}).run(derived(ops.log(s), s)))
    squared = derived(ops.log(ops.square(s)), s)
    assert "nonnegative" not in op_names(Narrow().run(squared))
    relu = Graph((s,), (("y", ops.where(s > 0.0, s, 0.0)),))
    assert Narrow({"s": (1.0, inf)}).run(relu) is relu


def test_narrow_decides_maximum_and_minimum() -> None:
    graph = Graph((s,), (("y", ops.maximum(ops.minimum(ops.exp(s), inf), 0.0)),))
    assert op_names(Narrow().run(graph)) == ["argument", "exp"]
    open_ = Graph((s,), (("y", ops.maximum(s, 0.0)),))
    assert Narrow().run(open_) is open_


# --- names, origins, size ------------------------------------------------------------------------


def test_names_and_origins_follow() -> None:
    source = Source("m.dsl", "h = s * t\nL = h * h\n")
    first, second = Origin(Span(source, 0, 9)), Origin(Span(source, 10, 19))
    h = s * t
    loss = h * h
    graph = Graph((s, t), (("L", loss),), {h: "h", loss: "L"}, {h: (first,), loss: (second,)})
    result = differentiate(graph, "L", ["s"])
    names = {name: node for node, name in result.names.items()}
    assert names["d_h"].op.name == "add"
    assert [o.adjoint for o in result.origins[names["d_h"]]] == [True]
    assert result.origins[names["d_h"]][0].span == second.span
    assert result.origins[result.output("d_s")][0].span == first.span
    assert result.names[h] == "h"
    assert result.origins[h] == (first,)


def test_higher_derivatives_by_repetition() -> None:
    graph = Graph((s,), (("d_s", ops.exp(2.0 * s)),))
    for order in range(1, 5):
        graph = differentiate(Graph(graph.inputs, (("y", graph.outputs[-1][1]),)), "y", ["s"])
        assert evaluate(graph, {"s": np.array(0.1)}, {})["d_s"] == pytest.approx(2.0**order * np.exp(0.2))


def test_a_chain_deeper_than_any_recursion() -> None:
    node = s
    for _ in range(10_000):
        node = ops.sin(node) * t
    graph = derived(node, s, t)
    found = evaluate(graph, {"s": np.array(0.5), "t": np.array(1.5)}, {})
    assert np.isfinite(found["d_s"])
    assert np.isfinite(found["d_t"])


def test_the_same_graph_gives_the_same_bits() -> None:
    loss = total(ops.tanh(x) * ops.exp(x) + ops.sin(x) * x)
    value = np.random.default_rng(2).normal(size=(3, 4))
    runs = [gradient(loss, x, x=value).tobytes() for _ in range(3)]
    assert runs[0] == runs[1] == runs[2]
