"""Divisions of arrays by powers of two become products that are the same to the bit."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node, const
from autodiffc.compiler.passes.reciprocals import Reciprocals
from autodiffc.compiler.types import REAL, Dim, Type

X = ops.argument("x", Type("real", (Dim.symbol("N"),)))
S = ops.argument("s", REAL)
VALUES = [0.0, -0.0, 1.0, -3.7, 5e-324, -1e-310, 2.2e-308, 1e308, -1.7e308, inf, -inf, nan]


def _after(quotient: Node) -> tuple[Graph, Graph]:
    graph = Graph((X, S), (("y", quotient),))
    return graph, Reciprocals().run(graph)


@pytest.mark.parametrize("divisor", [2.0, -2.0, 0.5, 1024.0, -(2.0**-60), 2.0**98])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_powers_of_two_multiply(divisor: float, kind: type) -> None:
    graph, after = _after(ops.div(X, const(divisor)))
    assert after.output("y").op is ops.mul
    with np.errstate(all="ignore"):
        x = np.array(VALUES).astype(kind)
    with np.errstate(all="ignore"):
        before, now = (evaluate(g, {"x": x, "s": np.asarray(1.0)}, {})["y"] for g in (graph, after))
    np.testing.assert_array_equal(now, before)
    np.testing.assert_array_equal(np.signbit(now), np.signbit(before))


@pytest.mark.parametrize("divisor", [3.0, 0.1, 0.0, inf, nan, 2.0**1000])
def test_other_numbers_divide(divisor: float) -> None:
    graph, after = _after(ops.div(X, const(divisor)))
    assert after is graph


def test_quotients_of_numbers_and_by_values_are_left_alone() -> None:
    for quotient in (ops.div(S, const(2.0)), ops.div(X, S), ops.div(const(2.0), X)):
        graph, after = _after(quotient)
        assert after is graph


def test_bodies_of_branches_are_looked_into() -> None:
    half, whole = (Graph((X,), (("y", y),)) for y in (ops.div(X, const(4.0)), X))
    branch = ops.branch(ops.greater(S, const(0.0)), X, then=half, orelse=whole)
    _, after = _after(ops.item(branch, position=0))
    (found,) = (node for node in after.nodes() if node.op is ops.branch)
    assert found["then"].output("y").op is ops.mul
