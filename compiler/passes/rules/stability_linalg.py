"""Stability rules of linear algebra: no inverse to multiply by, no determinant to take the logarithm of.

>>> from autodiffc.compiler.passes.pattern import apply_rules
>>> from autodiffc.compiler.types import Dim, Type
>>> n = Dim.symbol("N")
>>> a, b = ops.argument("A", Type("real", (n, n))), ops.argument("b", Type("real", (n,)))
>>> apply_rules(LINEAR_RULES, ops.inv(a) @ b)
solve(argument, argument): real[N]
"""

from __future__ import annotations

from ... import ops
from ...ir import Node
from ...ops.shape import swap_last
from ..pattern import Binding, Rule, pattern_variable, rule

x, y, matrix = map(pattern_variable, ("x", "y", "matrix"))
log, det, log_abs_det = ops.log, ops.det, ops.log_abs_det


def _inverted(node: Node) -> tuple[Node, list[Node]] | None:
    """The matrix whose inverse a node is, up to transposes and the scalars that it is multiplied by."""
    factors: list[Node] = []
    transposed = False
    while node.op.name != "inv":
        name, args = node.op.name, node.args
        if name == "mul" and not min(a.rank for a in args):
            scalar, node = sorted(args, key=lambda a: a.rank)
            factors.append(scalar)
        elif name == "div" and not args[1].rank:
            factors.append(ops.reciprocal(args[1]))
            node = args[0]
        elif name == "neg":
            factors.append(ops.const(-1.0))
            node = args[0]
        elif name == "transpose" and node["axes"] == (*range(node.rank - 2), node.rank - 1, node.rank - 2):
            node, transposed = args[0], not transposed
        else:
            return None
    return (swap_last(node.args[0]) if transposed else node.args[0]), factors


def _scaled(node: Node, factors: list[Node]) -> Node:
    for factor in factors:
        node = factor * node
    return node


def _solved(b: Binding) -> Node | None:
    """inv(a) y."""
    found = _inverted(b.x)
    return None if found is None else _scaled(ops.solve(found[0], b.y), found[1])


def _solved_from_the_right(b: Binding) -> Node | None:
    """x inv(a), the transpose of inv(aᵀ) xᵀ; a vector is its own transpose."""
    found = _inverted(b.y)
    if found is None:
        return None
    matrix = swap_last(found[0])
    if b.x.rank == 1:
        return _scaled(ops.solve(matrix, b.x), found[1])
    return _scaled(swap_last(ops.solve(matrix, swap_last(b.x))), found[1])


LINEAR_RULES: tuple[Rule, ...] = (
    # R24
    rule("solve", ops.matmul(x, y), _solved),
    rule("solve-from-the-right", ops.matmul(x, y), _solved_from_the_right),
    # R25
    rule("log-abs-det", log(ops.abs(det(matrix))), log_abs_det(matrix)),
    rule("log-square-det", log(ops.square(det(matrix))), 2.0 * log_abs_det(matrix)),
    rule("sign-det", ops.sign(det(matrix)), ops.det_sign(matrix)),
    # R26
    rule("log-det", log(det(matrix)), ops.log_det(matrix)),
    rule("log-sqrt-det", log(ops.sqrt(det(matrix))), 0.5 * ops.log_det(matrix)),
)
