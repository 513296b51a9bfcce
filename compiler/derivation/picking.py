"""Elements that an index picks, and the adjoints of picking: `E[x[t]]`, and Σ_t 1[x_t = v] δ_t.

An index has an item for each axis (see ops/indexing.py): a slice, a position, or an array of positions. What
the adjoint adds up is written with an indicator for each array, unless the array says at once which of its
elements it is (the positions 0, 1, … along an axis).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..ir import Node, const
from ..types import Dim, broadcast
from .algebra import added, negated, times
from .places import At, place
from .reader import Reader
from .sums import summed
from .tree import ZERO, Call, Cases, Formula, Index, Indicator, Logic, Merged, Number, Relation, substituted

Items = Sequence[tuple[Any, ...]]


@dataclass(eq=False)
class _Place:
    """Where an element of an array is in what an index picks.

    indices     of the picked elements, as far as arrays pick them
    solved      which of them the element's own indices tell
    conditions  what must hold for the element to be picked at all
    at          the indices in what is picked
    """

    indices: tuple[Index, ...]
    solved: dict[Formula, Formula] = field(default_factory=dict)
    conditions: list[Formula] = field(default_factory=list)
    at: list[Formula] = field(default_factory=list)

    def solve(self, value: Formula, here: Formula) -> None:
        """Note that a position is that of the element."""
        pairs = [(value, here)]
        if isinstance(value, Merged) and isinstance(here, Merged) and value.sizes == here.sizes:
            pairs = list(zip(value.indices, here.indices))
        if all(v in self.indices and v not in self.solved for v, _ in pairs):
            self.solved.update(pairs)
        else:
            self.conditions.append(Relation("=", value, here))

    @property
    def condition(self) -> Formula | None:
        if len(self.conditions) > 1:
            return Logic("and", tuple(self.conditions))
        return self.conditions[0] if self.conditions else None


def _advanced(index: Items, arrays: Sequence[Node]) -> tuple[int, bool]:
    """Where the axes of index arrays stand in the result: at this item, or in front."""
    places = [i for i, item in enumerate(index) if item[0] == "array" or (arrays and item[0] == "at")]
    front = bool(places) and places[-1] - places[0] + 1 != len(places)
    return (places[0] if places and arrays else -1), front


def _position(reader: Reader, array: Node, picked: At) -> Formula:
    """An element of an index array, which may be broadcast against others."""
    own = picked[len(picked) - array.rank :] if array.rank else ()
    if len(own) == array.rank:
        own = tuple(ZERO if dim == Dim.of(1) else i for i, dim in zip(own, array.shape))
    return reader.element(array, own)


def picked_element(reader: Reader, node: Node, at: At) -> Formula:
    """The element that an index picks for the indices of its result."""
    x, *arrays = node.args
    index = node["index"]
    rank = max((a.rank for a in arrays), default=0)
    first, front = _advanced(index, arrays)
    rest = list(at)
    taken: At = ()
    inner: list[Formula] = []
    if front:
        taken, rest = tuple(rest[:rank]), rest[rank:]
    for number, item in enumerate(index):
        if number == first and not front:
            taken, rest = tuple(rest[:rank]), rest[rank:]
        if item[0] == "new":
            rest.pop(0)
        elif item[0] == "slice":
            inner.append(place(rest.pop(0), item[1], item[3]))
        elif item[0] == "at":
            inner.append(reader.position(item[1]))
        else:
            position = _position(reader, arrays[item[1]], taken)
            stacked = reader.resolved(x) in reader.steps and not reader.is_natural(arrays[item[1]])
            counted = stacked and not isinstance(position, Number)
            inner.append(
                Call("mod", (position, reader.position(x.shape[len(inner)]))) if counted else position
            )
    return reader.element(x, tuple(inner))


def _placed(
    reader: Reader, arrays: Sequence[Node], index: Items, at: At, shape: Sequence[Dim], dims: tuple[Dim, ...],
    indices: tuple[Index, ...],
) -> _Place | None:  # fmt: skip
    """Where the element `at` is among what an index picks; None where a stride has to be undone."""
    result = _Place(indices)
    picked: At = (
        (Merged(indices, dims),) if len(indices) > max((a.rank for a in arrays), default=0) else indices
    )
    first, front = _advanced(index, arrays)
    result.at.extend(picked if front else ())
    axes = iter(zip(at, shape))
    for number, item in enumerate(index):
        if number == first and not front:
            result.at.extend(picked)
        if item[0] == "new":
            result.at.append(ZERO)
            continue
        here, size = next(axes)
        if item[0] == "slice":
            if item[3] != 1:
                return None
            result.at.append(place(here, -item[1]))
            result.conditions.extend(_within(reader, here, item[1], item[2], size))
        elif item[0] == "at":
            if here != reader.position(item[1]):
                result.conditions.append(Relation("=", here, reader.position(item[1])))
        else:
            array = arrays[item[1]]
            value = _position(reader, array, picked)
            natural = reader.is_natural(array)  # else positions below 0 count from the back
            result.solve(value if natural else Call("mod", (value, reader.position(size))), here)
    return result


def _within(reader: Reader, here: Formula, start: Dim, length: Dim, size: Dim) -> Iterator[Formula]:
    """That an index is in a slice; nothing at an end that the slice shares with the axis."""
    if start != Dim.of(0) and start + length != size:
        yield Relation("≤", reader.position(start), here)
    elif start != Dim.of(0):
        yield Relation("≥", here, reader.position(start))
    if start + length != size:
        yield Relation("<", here, reader.position(start + length))


def scattered(
    reader: Reader, g: Node, arrays: Sequence[Node], index: Items, at: At, shape: Sequence[Dim]
) -> Formula | None:
    """Σ over what is picked of 1[it is picked here] g; None where a stride has to be undone."""
    dims = broadcast(*(a.shape for a in arrays)) if arrays else ()
    if len(dims) == 1:  # rows that a reshape has made of several axes
        dims = max((reader.splits(a, 0) for a in arrays if a.rank), key=len)
    with reader.bound(dims) as indices:
        found = _placed(reader, arrays, index, at, shape, dims, indices)
        if found is None:
            return None
        if reader.is_unit(g):
            found.conditions = [c for c in found.conditions if isinstance(c, Relation) and c.sign == "="]
        term = reader.element(g, tuple(found.at) if g.rank else ())
        if found.condition is not None:
            term = times(term, Indicator(found.condition))
        left = tuple(i for i in indices if i not in found.solved)
        return summed(left, substituted(term, found.solved))


def _put(reader: Reader, node: Node, at: At) -> Formula:
    formula = scattered(reader, node.args[0], node.args[1:], node["index"], at, node.shape)
    return reader.part(reader.function(node), at) if formula is None else formula


def _decrement(reader: Reader, node: Node, at: At) -> Formula:
    p, *arrays = node.args
    index = tuple(("array", k) for k in range(len(arrays)))
    ones = scattered(reader, const(1.0), arrays, index, at, node.shape)
    assert ones is not None
    return added(reader.element(p, at), negated(ones))


def _add_at(reader: Reader, node: Node, at: At) -> Formula:
    a, v, *arrays = node.args
    more = scattered(reader, v, arrays, node["index"], at, node.shape)
    if more is None:
        return reader.part(reader.function(node), at)
    return added(reader.element(a, at), more)


def _set_at(reader: Reader, node: Node, at: At) -> Formula:
    a, v, *arrays = node.args
    found = None
    if all(not x.rank for x in arrays):
        found = _placed(reader, arrays, node["index"], at, node.shape, (), ())
    if found is None:
        return reader.part(reader.function(node), at)
    new, old = reader.element(v, tuple(found.at) if v.rank else ()), reader.element(a, at)
    return new if found.condition is None or new == old else Cases(found.condition, new, old)


PICKING: dict[str, Callable[[Reader, Node, At], Formula]] = {
    "gather": picked_element,
    "getitem": picked_element,
    "put": _put,
    "scatter_add": _put,
    "add_at": _add_at,
    "set_at": _set_at,
    "decrement": _decrement,
}
