"""What a condition says of the values that it compares, where it holds and where it does not.

while h < 100:           in each step h is below 100
    h = 2 * h
L = log(h)               and after the last one at least 100
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ir import Graph, Interval, Node
from ..ranges import interval_of

# Where the left side of a comparison lies, and whether it differs from the right one.
ABOVE, BELOW = 1.0, -1.0
SIDES: Mapping[str, tuple[float, bool]] = {
    "less": (BELOW, True), "less_equal": (BELOW, False),
    "greater": (ABOVE, True), "greater_equal": (ABOVE, False),
}  # fmt: skip
CONNECTIVES: Mapping[str, bool] = {"logical_and": True, "logical_or": False}


def narrowed(condition: Graph, holds: bool, inputs: Sequence[Interval]) -> list[Interval]:
    """The intervals of a condition's inputs where it holds, or where it does not."""
    known = dict(zip(condition.inputs, inputs))
    found = dict(known)
    for node in condition.nodes():
        interval_of(node, found, {})
    stack = [(node, holds) for _, node in condition.outputs]
    while stack:
        node, truth = stack.pop()
        name = node.op.name
        if name == "logical_not":
            stack.append((node.args[0], not truth))
        elif CONNECTIVES.get(name) == truth:
            stack.extend((arg, truth) for arg in node.args)
        elif name in SIDES:
            _compared(node, truth, found, known)
    return [known[node] for node in condition.inputs]


def _compared(node: Node, truth: bool, found: Mapping[Node, Interval], known: dict[Node, Interval]) -> None:
    direction, strict = SIDES[node.op.name]
    if not truth:
        direction, strict = -direction, not strict
    for one, other, side in zip(node.args, reversed(node.args), (direction, -direction)):
        if one in known:
            known[one] = _beside(known[one], found[other], side, strict)


def _beside(interval: Interval, other: Interval, side: float, strict: bool) -> Interval:
    """What is above or below another value; unchanged where nothing would be left."""
    low, high = interval
    if side == ABOVE:
        low = max(low, inside(other[0], ABOVE) if strict else other[0])
    else:
        high = min(high, inside(other[1], BELOW) if strict else other[1])
    return (low, high) if low <= high else interval


def inside(end: float, direction: float) -> float:
    """A number beside an end that is not allowed itself."""
    return end + direction * (2.0**-40 * abs(end) or 1e-30)
