"""Rules for what derivatives along directions are made of: unit vectors, two sides of a choice.

    matmul(eye(N), A)                           →   A
    add(gate(a, c), gate(b, not c))             →   where(c, a, b)

They hold for derivatives alone: a unit vector's zeros are no factors that a NaN would be seen through.
"""

from __future__ import annotations

from ... import ops
from ...ir import Node
from ...ops.shape import swap_last
from ...types import Dim

ONE = Dim.of(1)
GATES = (ops.gate, ops.gate_finite)


def _is_identity(node: Node) -> bool:
    return node.op is ops.eye and node["n"] == node["m"] and not node["k"]


def of_units(node: Node) -> Node | None:
    """The identity times a matrix, or a vector."""
    left, right = node.args
    if _is_identity(left) and right.type == node.type:
        return right
    return left if _is_identity(right) and left.type == node.type else None


def units_by_rows(node: Node) -> Node | None:
    """A matrix times all units of real[D, H]: each has a column of the matrix and zeros beside it."""
    left, right = node.args
    if left.rank != 2 or right.rank != 3 or right.op is not ops.reshape or not _is_identity(right.args[0]):
        return None
    (rows, inner), (count, _, columns) = left.shape, right.shape
    if count != inner * columns:
        return None
    column = ops.reshape(swap_last(left), shape=(inner, ONE, rows, ONE))
    unit = ops.reshape(ops.eye(n=columns, m=columns, k=0), shape=(columns, ONE, columns))
    return ops.reshape(column * unit, shape=(count, rows, columns))


def ones_on_diagonal(node: Node) -> Node | None:
    """The same number on a diagonal."""
    inner = node.args[0]
    if inner.op is not ops.broadcast_to or inner.args[0].rank or inner.type.kind != "real":
        return None
    return inner.args[0] * ops.eye(n=node["n"], m=node["m"], k=node["k"])


def of_both_sides(node: Node) -> Node | None:
    """Two values of which one is 0 where the other is not."""
    for first, second in (node.args, node.args[::-1]):
        if first.op in GATES and second.op in GATES and _is_negation(second.args[1], first.args[1]):
            chosen = ops.where(first.args[1], first.args[0], second.args[0])
            return chosen if chosen.type == node.type else None
    return None


def _is_negation(condition: Node, other: Node) -> bool:
    return condition.op is ops.logical_not and condition.args[0] is other
