"""Choices between numbers on one condition become one branch, and nothing else changes."""

from __future__ import annotations

import itertools
from math import inf, nan

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node, const
from autodiffc.compiler.passes.sides import Sides
from autodiffc.compiler.types import REAL

X, Y, Z = (ops.argument(name, REAL) for name in "xyz")
POINTS = (1.0, -2.0, 0.0, -0.0, inf, -inf, nan)


def branches(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes() if node.op is ops.branch]


def graph_of(*outputs: Node) -> Graph:
    return Graph((X, Y, Z), tuple((f"o{i}", node) for i, node in enumerate(outputs)))


def check_same(graph: Graph, after: Graph) -> None:
    for point in itertools.product(POINTS, repeat=2):
        values = {"x": np.asarray(point[0]), "y": np.asarray(point[1]), "z": np.asarray(3.0)}
        with np.errstate(all="ignore"):
            expected, found = evaluate(graph, values, {}), evaluate(after, values, {})
        for name, _ in graph.outputs:
            np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize(("larger", "wins"), [(ops.maximum, ops.greater), (ops.minimum, ops.less)])
def test_an_extreme_and_its_gates_are_one_branch(larger: ops.Op, wins: ops.Op) -> None:
    first = wins(X, Y)
    gates = ops.gate(Z * X, first), ops.gate(Z, ops.logical_not(first))
    graph = graph_of(larger(X, Y), *gates)
    after = Sides().run(graph)
    assert len(branches(after)) == 1
    check_same(graph, after)


def test_what_one_side_needs_is_computed_there() -> None:
    condition = ops.greater(X, 0.0)
    graph = graph_of(ops.where(condition, ops.exp(Y), ops.sin(Z)), ops.gate(Z, condition))
    (branch,) = branches(Sides().run(graph))
    then, orelse = branch["then"], branch["orelse"]
    assert [n.op.name for n in then.nodes() if n.args] == ["exp"]
    assert [n.op.name for n in orelse.nodes() if n.args] == ["sin"]
    check_same(graph, Sides().run(graph))


def test_choices_that_need_each_other_stay_apart() -> None:
    condition = ops.greater(X, 0.0)
    inner = ops.where(condition, Y, Z)
    graph = graph_of(ops.where(condition, ops.exp(inner), inner), inner)
    assert not branches(Sides().run(graph))


def test_one_choice_alone_stays() -> None:
    graph = graph_of(ops.gate(X, ops.greater(X, 0.0)))
    assert not branches(Sides().run(graph))


def test_groups_that_need_each_other_are_no_cycle() -> None:
    a, b = ops.greater(X, 0.0), ops.greater(Y, 0.0)
    p = ops.where(a, Y, Z)
    q = ops.where(b, p, X)
    graph = graph_of(p, q, ops.where(a, q, Z), ops.where(b, X, Z))
    after = Sides().run(graph)
    check_same(graph, after)


def test_a_long_chain_takes_no_long_time() -> None:
    node: Node = X
    for _ in range(20_000):
        node = ops.maximum(node, Y) * const(0.5)
    assert len(Sides().run(graph_of(node)).nodes()) > 20_000
