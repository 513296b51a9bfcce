"""Random graphs: every pass keeps values and gradients; the passes that are exact keep every bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node, const
from autodiffc.compiler.irparse import parse_graph
from autodiffc.compiler.irtext import print_graph
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.passes.base import Repeat, run_passes
from autodiffc.compiler.passes.cse import Cse
from autodiffc.compiler.passes.dce import Dce
from autodiffc.compiler.passes.fold import Fold
from autodiffc.compiler.passes.partition import partition
from autodiffc.compiler.passes.pipeline import optimisation, prepare
from autodiffc.compiler.passes.simplify import Canonicalise, Simplify
from autodiffc.compiler.types import REAL, Dim, Type, TypeProblem
from autodiffc.compiler.verify import verify, verifying
from hypothesis import given, settings
from hypothesis import strategies as st

N, D = Dim.symbol("N"), Dim.symbol("D")
SIZES = {"N": 3, "D": 2}
TYPES = {"x": Type("real", (N, D)), "u": Type("real", (N,)), "v": Type("real", (D,)), "s": REAL}
RNG = np.random.default_rng(11)
VALUES = {
    name: RNG.uniform(0.2, 1.8, tuple(d.evaluate(SIZES) for d in type_.shape))
    for name, type_ in TYPES.items()
}
UNARY = [
    "neg",
    "exp",
    "tanh",
    "sigmoid",
    "softplus",
    "relu",
    "sin",
    "cos",
    "square",
    "abs",
    "log1p",
    "expm1",
    "sqrt",
    "log",
    "reciprocal",
]
BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "hypot", "logaddexp"]
CONSTANTS = (0.0, -0.0, 1.0, 2.0, 0.5, -1.0, 0.1, 3.0)
SETTINGS = settings(max_examples=150, deadline=None)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A graph of some twenty nodes; exponents and logs get arguments that are tame."""
    inputs = {name: ops.argument(name, type_) for name, type_ in TYPES.items()}
    nodes: list[Node] = [
        *inputs.values(),
        *(const(c) for c in draw(st.lists(st.sampled_from(CONSTANTS), max_size=3))),
    ]
    for _ in range(draw(st.integers(3, 20))):
        nodes.append(_node(draw, nodes))
    last = nodes[-1] + draw(st.sampled_from(nodes)) if nodes[-1].rank == 0 else nodes[-1]
    total = ops.sum(last, axis=tuple(range(last.rank)), keepdims=False) if last.rank else last
    return Graph(tuple(inputs.values()), (("f", total),))


def _node(draw: st.DrawFn, nodes: list[Node]) -> Node:
    a = draw(st.sampled_from(nodes))
    kind = draw(st.integers(0, 9))
    if kind < 4:
        op = draw(st.sampled_from(UNARY))
        tame = op in ("exp", "expm1")
        positive = op in ("log1p", "sqrt", "log", "reciprocal")
        return ops.OPS[op](ops.tanh(a) if tame else ops.square(a) + 0.5 if positive else a)
    if kind < 8:
        b = draw(st.sampled_from(nodes))
        op = draw(st.sampled_from(BINARY))
        try:
            return ops.OPS[op](a, ops.square(b) + 0.5 if op == "div" else b)
        except TypeProblem:
            return a * 2.0
    return _moved(draw, a)


def _moved(draw: st.DrawFn, a: Node) -> Node:
    if not a.rank:
        return ops.broadcast_to(a, shape=(N,))
    choice = draw(st.integers(0, 3))
    if choice == 0:
        return ops.transpose(a, axes=tuple(reversed(range(a.rank))))
    if choice == 1:
        return (
            ops.reshape(a, shape=(Dim.of(1), *a.shape))
            if a.rank < 3
            else ops.reshape(a, shape=(N * D,))
            if _full(a)
            else -a
        )
    axis = (draw(st.integers(0, a.rank - 1)),)
    op = draw(st.sampled_from(["sum", "mean", "max"]))
    return ops.OPS[op](a, axis=axis, keepdims=draw(st.booleans()))


def _full(a: Node) -> bool:
    size = Dim.of(1)
    for d in a.shape:
        size = size * d
    return size == N * D


def _values(graph: Graph) -> dict[str, Any]:
    return evaluate(graph, VALUES, SIZES)


def _identical(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])
        known = ~np.isnan(value)
        np.testing.assert_array_equal(np.signbit(value)[known], np.signbit(second[name])[known])


def _close(first: dict[str, Any], second: dict[str, Any]) -> None:
    for name, value in first.items():
        other = second[name]
        if np.isfinite(value).all() and np.abs(value).max(initial=0.0) < 1e6:
            np.testing.assert_allclose(other, value, rtol=1e-7, atol=1e-9)


@SETTINGS
@given(graphs())
def test_exact_passes_keep_every_bit(graph: Graph) -> None:
    for pass_ in (Cse(), Fold(), Simplify(), Canonicalise(), Dce()):
        after = pass_.run(graph)
        verify(Dce().run(after), pass_.name)
        _identical(_values(graph), _values(after))
    together = run_passes((Repeat((Fold(), Cse(), Simplify())),), graph)
    _identical(_values(graph), _values(together))


@SETTINGS
@given(graphs())
def test_cse_twice_is_cse_once(graph: Graph) -> None:
    once = Cse().run(graph)
    assert Cse().run(once) is once
    assert print_graph(Cse().run(once)) == print_graph(once)


@SETTINGS
@given(graphs())
def test_text_and_back(graph: Graph) -> None:
    again = parse_graph(print_graph(graph))
    assert print_graph(again) == print_graph(graph)
    _identical(_values(graph), _values(again))


@SETTINGS
@given(graphs())
def test_the_pipeline_keeps_values_and_gradients(graph: Graph) -> None:
    naive = differentiate(graph, "f", tuple(TYPES))
    for level in (0, 1):
        prepared = prepare(graph, level)
        seed = ops.argument("d_f", REAL)
        joint = run_passes(
            optimisation(level, len(TYPES)), differentiate(prepared, "f", tuple(TYPES), seed), verifying
        )
        parts = partition(joint, len(TYPES), seed)
        forward = _values(parts.forward)
        arguments = {**VALUES, **{name: forward[name] for name in parts.saved}, "d_f": np.array(1.0)}
        backward = evaluate(parts.backward, arguments, SIZES)
        whole = evaluate(joint, {**VALUES, "d_f": np.array(1.0)}, SIZES)
        _identical({"f": whole["f"]}, {"f": forward["f"]})
        _identical({name: whole[name] for name in backward}, backward)
        _close(_values(naive), whole)
