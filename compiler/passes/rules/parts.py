"""Gradients that slices bring back, put together once.

    put(a, [:, :H]) + put(b, [:, H:2*H]) + d      →   put(concatenate(a, b), [:, :2*H]) + d

Each `put` makes an array of zeros and the sum adds them up: work for the whole array, times the number of
slices. Slices that follow each other along an axis are joined; where they are all of the array, nothing is
left of the zeros.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import chain

from ... import ops
from ...ir import Node
from ...ops.indexing import Index, whole
from ...types import Dim

MOST = 32  # terms of a sum that are looked at


def whole_put(node: Node) -> Node | None:
    """A put at every element."""
    everything = node["index"] == tuple(map(whole, node.shape))
    return node.args[0] if everything and node.args[0].type == node.type else None


def joined_parts(node: Node) -> Node | None:
    """A sum with two of its terms joined; None where no two follow each other."""
    terms = _terms(node)
    puts = [t for t in terms if t.op is ops.put]
    found = _following(puts)
    if found is None:
        return None
    first, second, axis = found
    rest = [t for t in terms if t is not first and t is not second]
    return _sum([_joined(first, second, axis), *rest])


def _following(puts: list[Node]) -> tuple[Node, Node, int] | None:
    """Two puts of which the second begins where the first ends, and along which axis; None without any."""
    starting: dict[Hashable, list[tuple[int, int]]] = {}
    for place, put in enumerate(puts):
        for axis, beside, start, _ in _slices(put["index"]):
            starting.setdefault((beside, start), []).append((place, axis))
    for first in puts:
        ends = [(beside, end) for _, beside, _, end in _slices(first["index"])]
        for place, axis in sorted(chain.from_iterable(starting.get(end, ()) for end in ends)):
            if puts[place]["index"] != first["index"]:
                return first, puts[place], axis
    return None


def _slices(index: Index) -> Iterator[tuple[int, Hashable, Dim, Dim]]:
    """The slices of an index without gaps: axis, what the index is besides, start and end."""
    if any(item[0] not in ("at", "slice") for item in index):
        return
    for axis, item in enumerate(index):
        if item[0] == "slice" and item[3] == 1:
            yield axis, (index[:axis], index[axis + 1 :]), item[1], item[1] + item[2]


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
        args = top.args
        if top.op is ops.add and args[0].type == top.type == args[1].type and len(stack) + len(found) < MOST:
            stack += args[::-1]
        else:
            found.append(top)
    return found


def _joined(first: Node, second: Node, axis: int) -> Node:
    """A put and one that begins where it ends, as one."""
    _, start, length, _ = first["index"][axis]
    place = sum(item[0] != "at" for item in first["index"][:axis])
    index = list(first["index"])
    index[axis] = ("slice", start, length + second["index"][axis][2], 1)
    parts = [*_parts(first.args[0], place), *_parts(second.args[0], place)]
    both = ops.concatenate(*parts, axis=place)
    return ops.put(both, shape=first.shape, index=tuple(index))


def _parts(node: Node, axis: int) -> tuple[Node, ...]:
    """What was joined before is joined in one go."""
    return node.args if node.op is ops.concatenate and node["axis"] == axis else (node,)
