"""Drops what interval analysis shows to be without effect.

    g / nonnegative(x)         →    g / x                  for an x > 0
    gate(g * y, x != 0)        →    g * y                  for an x > 0
    maximum(exp(x), 0.0)       →    exp(x)

Adjoint rules guard against every argument; this takes away the guards that a model doesn't need. An interval
says nothing of NaN, so only what NaN doesn't change is decided. It comes after differentiation: at a tie,
maximum chooses who gets the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Interval, Node, const_value
from ..ranges import intervals
from .bodies import in_bodies, settling

# Ops whose result is never -0.0 where their interval starts at 0.
POSITIVE_ZERO = frozenset({"square", "abs", "exp", "sigmoid", "softplus", "cosh", "var", "nonnegative"})

PASSING = frozenset(  # that may have no effect
    {ops.abs, ops.nonnegative, ops.gate, ops.gate_finite, ops.masked, ops.maximum, ops.minimum}
)


@record(frozen=True)
class Narrow:
    """The pass; `ranges` are the intervals of constrained arguments."""

    ranges: Mapping[str, Interval] = field(default_factory=dict)
    name: str = "narrow"

    def run(self, graph: Graph) -> Graph:
        if graph.ops.isdisjoint(PASSING):
            return graph
        graph = in_bodies(graph, self.ranges, _in_body)
        known = intervals(graph, self.ranges)

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            decided = _decided(node, args, known)
            return node.with_args(args) if decided is None else decided

        return graph.rewrite(step)


def _in_body(body: Graph, ranges: Mapping[str, Interval], node: Node) -> Graph:
    return settling(body, ("narrow", *sorted(ranges.items())), Narrow(ranges).run)


def _decided(node: Node, args: tuple[Node, ...], known: Mapping[Node, Interval]) -> Node | None:
    """The argument that a node passes on unchanged; None where the intervals leave that open."""
    name = node.op.name
    if name in ("abs", "nonnegative") and _positive(node.args[0], known):
        return args[0]
    if name in ("gate", "gate_finite") and node.type == args[0].type and _certain(node.args[1], known):
        return args[0]
    if name == "masked" and node.type == args[0].type and _nonzero(node.args[1], known):
        return args[0]
    winner = _winner(node, args, known) if name in ("maximum", "minimum") else None
    return winner if winner is not None and winner.type == node.type else None


def _certain(condition: Node, known: Mapping[Node, Interval]) -> bool:
    """Whether a condition holds for every value, NaN too."""
    if condition.op.name == "logical_or":
        return any(_apart(arg, known) for arg in condition.args)
    return _apart(condition, known)


def _winner(node: Node, args: tuple[Node, ...], known: Mapping[Node, Interval]) -> Node | None:
    """The operand that always wins against a constant."""
    for mine, other in ((0, 1), (1, 0)):
        bound = const_value(node.args[other])
        low, high = known[node.args[mine]]
        if bound is not None and (low >= bound if node.op.name == "maximum" else high <= bound):
            return args[mine]
    return None


def _apart(node: Node, known: Mapping[Node, Interval]) -> bool:
    """Whether this is `x != y` for values that are never equal."""
    if node.op.name != "not_equal":
        return False
    (low, high), (other_low, other_high) = (known[a] for a in node.args)
    return high < other_low or other_high < low


def _nonzero(node: Node, known: Mapping[Node, Interval]) -> bool:
    low, high = known[node]
    return low > 0.0 or high < 0.0


def _positive(node: Node, known: Mapping[Node, Interval]) -> bool:
    """Whether a value has no sign to lose: above 0, or from 0 on but never -0.0."""
    low = known[node][0]
    return low > 0.0 or (low == 0.0 and node.op.name in POSITIVE_ZERO)
