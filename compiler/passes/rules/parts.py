"""Gradients that slices bring back, put together once.

    put(a, [:, :H]) + put(b, [:, H:2*H]) + d      →   put(concatenate(a, b), [:, :2*H]) + d

Each `put` makes an array of zeros and the sum adds them up: work for the whole array, times the number of
slices. Slices that follow each other along an axis are joined; where they are all of the array, nothing is
left of the zeros.
"""

from __future__ import annotations

from ... import ops
from ...ir import Node
from ...ops.indexing import Index, whole

MOST = 32  # terms of a sum that are looked at


def whole_put(node: Node) -> Node | None:
    """A put at every element."""
    everything = node["index"] == tuple(map(whole, node.shape))
    return node.args[0] if everything and node.args[0].type == node.type else None


def joined_parts(node: Node) -> Node | None:
    """A sum with two of its terms joined; None where no two follow each other."""
    terms = _terms(node)
    puts = [t for t in terms if t.op is ops.put]
    for first in puts:
        for second in puts:
            joined = _joined(first, second) if first is not second else None
            if joined is not None:
                rest = [t for t in terms if t is not first and t is not second]
                return _sum([joined, *rest])
    return None


def _sum(terms: list[Node]) -> Node:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _terms(node: Node) -> list[Node]:
    """The terms of a sum of values of one type, as far as they are few."""
    found: list[Node] = []
    stack = [node]
    while stack:
        top = stack.pop()
        if top.op is ops.add and all(a.type == top.type for a in top.args) and len(stack) + len(found) < MOST:
            stack.extend(reversed(top.args))
        else:
            found.append(top)
    return found


def _joined(first: Node, second: Node) -> Node | None:
    """Two puts of which the second begins where the first ends, as one."""
    axis = _axis(first["index"], second["index"])
    if axis is None:
        return None
    _, start, length, step = first["index"][axis]
    _, next_start, next_length, next_step = second["index"][axis]
    if step != 1 or next_step != 1 or start + length != next_start:
        return None
    place = sum(item[0] != "at" for item in first["index"][:axis])
    index = list(first["index"])
    index[axis] = ("slice", start, length + next_length, 1)
    parts = [*_parts(first.args[0], place), *_parts(second.args[0], place)]
    both = ops.concatenate(*parts, axis=place)
    return ops.put(both, shape=first.shape, index=tuple(index))


def _parts(node: Node, axis: int) -> tuple[Node, ...]:
    """What was joined before is joined in one go."""
    return node.args if node.op is ops.concatenate and node["axis"] == axis else (node,)


def _axis(first: Index, second: Index) -> int | None:
    """The only axis in which two indices differ, by slices."""
    if len(first) != len(second):
        return None
    apart = [i for i, pair in enumerate(zip(first, second)) if pair[0] != pair[1]]
    slices = len(apart) == 1 and first[apart[0]][0] == second[apart[0]][0] == "slice"
    plain = all(item[0] in ("at", "slice") for item in (*first, *second))
    return apart[0] if slices and plain else None
