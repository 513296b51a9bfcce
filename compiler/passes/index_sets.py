"""Sets of indices as nodes: for every element of a value the elements of W that it depends on.

A `Part` is an int node of shape (n_1, …, n_m, k) with the axes of the value that its first m axes run along;
along the value's other axes it is the same. Its last axis lists positions in W, counted from 1; 0 is none, so
that what fills up with zeros fills up with nothing. For W: real[N, D]

    W            Part(arange(1, N*D + 1).reshape(N, D, 1), axes=(0, 1))
    W.T          the same node, axes=(1, 0)
    W @ x        Part(arange(1, N*D + 1).reshape(N, D), axes=(0,))         D positions for each row
    sum(W)       Part(arange(1, N*D + 1), axes=())

A value depends on the union of its parts. As what does not vary along an axis has no such axis, sums over an
axis of what is the same along it, and broadcasts, cost nothing: the pattern of a chain of dense layers does
not grow with its length. Nodes that compute the same are one node, so that a union knows what it has already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Node, Op, const
from ..ops.indexing import Index, Item, whole
from ..types import Dim, Shape, size_of
from .cse import Interner

ONE = Dim.of(1)
# A chain of stencils that don't join to one (with rims, say) could list the same positions again and again.
MOST_PARTS, MOST_POSITIONS, MOST_REPEATS = 256, 10_000, 16
MOST_SLICES = 16  # a union over so many elements keeps them apart: they may be in it already


@record(frozen=True)
class Part:
    """Positions in W that a value depends on, along some of its axes."""

    node: Node
    axes: tuple[int, ...]

    @property
    def width(self) -> Dim:
        """How many positions there are for an element."""
        return self.node.shape[-1]

    def on(self, axes: Callable[[int], int] | Sequence[int]) -> Part:
        """The same positions, seen along other axes."""
        image = axes if callable(axes) else axes.__getitem__
        return Part(self.node, tuple(map(image, self.axes)))


Parts = tuple[Part, ...]


@dataclass
class IndexSets:
    """Makes index sets of others; equal ones are one node."""

    total: Dim  # how many elements W has
    known: Interner = field(default_factory=Interner)
    leaves: list[Node] = field(default_factory=list)  # all positions in each of the values that make up W

    @property
    def everything(self) -> Node:
        """All positions in W."""
        return self.make(ops.arange, start=ONE, step=1, count=self.total)

    def none(self, shape: Shape) -> Node:
        return self.make(ops.broadcast_to, const(0), shape=shape)

    def tidy(self, part: Part) -> Part:
        """The part without axes of length 1."""
        short = {i: 0 for i, dim in enumerate(part.node.shape[:-1]) if dim.known == 1}
        return self.element(part, short) if short else part

    def make(self, op: Op, *args: Node, **attrs: object) -> Node:
        return self.known(op(*map(self.known, args), **attrs))

    def reshaped(self, node: Node, shape: Shape) -> Node:
        source = node.args[0] if node.op is ops.reshape else node
        return source if source.shape == shape else self.make(ops.reshape, source, shape=shape)

    def transposed(self, node: Node, order: Sequence[int]) -> Node:
        if list(order) == sorted(order):
            return node
        return self.make(ops.transpose, node, axes=tuple(order))

    def picked(self, node: Node, index: Index) -> Node:
        """Elements at known positions; of what is picked already, by one index."""
        if node.op is ops.getitem:
            node, index = node.args[0], composed(node["index"], index)
        if index == tuple(map(whole, node.shape)):
            return node
        return self.make(ops.getitem, node, index=index)

    def leaf(self, shape: Shape, offset: Dim) -> Part:
        """W itself, whose elements are those from `offset` on."""
        axes = tuple(i for i, dim in enumerate(shape) if dim.known != 1)
        flat = self.make(ops.arange, start=offset + 1, step=1, count=size_of(shape))
        self.leaves.append(flat)
        return Part(self.reshaped(flat, (*(shape[i] for i in axes), ONE)), axes)

    def merged(self, part: Part, axes: Iterable[int]) -> list[Part]:
        """The union of a part's positions along some axes, which it then has no more."""
        gone = [i for i, axis in enumerate(part.axes) if axis in set(axes)]
        if not gone:
            return [part]
        sizes = [part.node.shape[i].known for i in gone]
        count = 1
        for size in sizes:
            count *= MOST_SLICES + 1 if size is None else size
        if count <= MOST_SLICES:
            places = product(*(range(size or 0) for size in sizes))
            return [self.element(part, dict(zip(gone, place))) for place in places]
        kept = [i for i in range(len(part.axes)) if i not in gone]
        node = self.transposed(part.node, (*kept, *gone, len(part.axes)))
        width = size_of(node.shape[len(kept) :])
        shape = (*node.shape[: len(kept)], width)
        if not kept:
            node = in_any_order(node)
        return [Part(self.reshaped(node, shape), tuple(part.axes[i] for i in kept))]

    def element(self, part: Part, places: dict[int, int]) -> Part:
        """The positions at a place along some of the node's axes."""
        shape = part.node.shape
        index = tuple(("at", Dim.of(places[i])) if i in places else whole(dim) for i, dim in enumerate(shape))
        return Part(
            self.picked(part.node, index), tuple(a for i, a in enumerate(part.axes) if i not in places)
        )

    def union(self, parts: Iterable[Part]) -> Parts:
        """Each part once, none that others have place by place; all of W if it is that or too long."""
        found = dict.fromkeys(parts)
        for part in found:
            if not part.axes and part.node is self.everything:
                return (part,)
        if len(found) > MOST_PARTS or self._is_too_long(width_of(found)):
            return (Part(self.everything, ()),)
        return tuple(p for p in found if not (len(found) > 1 and self._is_covered(p, found)))

    def _is_too_long(self, width: Dim) -> bool:
        """Whether so many positions are far more than W has, were each dim a thousand."""
        large = dict.fromkeys(width.symbols | self.total.symbols, 1000)
        try:
            return width.evaluate(large) > max(MOST_POSITIONS, MOST_REPEATS * self.total.evaluate(large))
        except ZeroDivisionError:
            return False

    def _is_covered(self, part: Part, others: dict[Part, None]) -> bool:
        """Whether what the part has at each place of an axis is among the others for all places."""
        for i, dim in enumerate(part.node.shape[:-1]):
            places = range(dim.known or 0)
            if 0 < len(places) <= MOST_SLICES and all(self.element(part, {i: j}) in others for j in places):
                return True
        return False

    def spread(self, part: Part, shape: Shape, axes: Sequence[int]) -> Node:
        """The part as an array that has these axes of a value of that shape, in this order."""
        order = sorted(range(len(part.axes)), key=lambda i: axes.index(part.axes[i]))
        node = self.transposed(part.node, (*order, len(part.axes)))
        if len(axes) == len(part.axes):
            return node
        narrow = tuple(shape[a] if a in part.axes else ONE for a in axes)
        wide = tuple(shape[a] for a in axes)
        node = self.reshaped(node, (*narrow, part.width))
        return self.make(ops.broadcast_to, node, shape=(*wide, part.width))

    def joined(self, parts: Sequence[Part], shape: Shape, axes: Sequence[int], width: Dim) -> Node:
        """One array of all parts, along these axes of a value, filled up with none to a width."""
        arrays = [self.spread(part, shape, axes) for part in self.coalesced(parts)]
        missing = width - width_of(parts)
        if missing.known != 0:
            arrays.append(self.none((*(shape[a] for a in axes), missing)))
        if len(arrays) < 2:
            return arrays[0] if arrays else self.none((*(shape[a] for a in axes), Dim.of(0)))
        return self.make(ops.concatenate, *arrays, axis=len(axes))

    def coalesced(self, parts: Iterable[Part]) -> Parts:
        """Neighbours along an axis that were kept apart as one part."""
        found = tuple(parts)
        while True:
            beside: dict[Beside, dict[int, Part]] = {}
            for part in found:
                for key, place in _beside(part):
                    beside.setdefault(key, {})[place] = part
            stretches = ((key, stretch) for key, run in beside.items() for stretch in _stretches(run))
            best = max(stretches, key=lambda s: len(s[1]), default=None)
            if best is None or len(best[1]) < 2:
                return found
            key, longest = best
            one = self._one(key, beside[key], longest)
            members = {beside[key][place] for place in longest}
            found = tuple(dict.fromkeys(one if part in members else part for part in found))

    def _one(self, key: Beside, run: dict[int, Part], stretch: list[int]) -> Part:
        """The elements at neighbouring places of an axis as one part."""
        base, axis, _ = key
        index = run[stretch[0]].node["index"]
        item = ("slice", Dim.of(stretch[0]), Dim.of(len(stretch)), 1)
        node = self.picked(base, (*index[:axis], item, *index[axis + 1 :]))
        at = sum(item[0] != "at" for item in index[:axis])
        order = (*(i for i in range(len(node.shape) - 1) if i != at), at, len(node.shape) - 1)
        node = self.transposed(node, order)
        axes = run[stretch[0]].axes
        return Part(self.reshaped(node, (*node.shape[:-2], node.shape[-2] * node.shape[-1])), axes)

    def full(self, part: Part, shape: Shape, axes: Iterable[int]) -> Part:
        """The part, which has at least these axes, each of which is longer than 1; in order."""
        wanted = tuple(sorted({*part.axes, *(a for a in axes if shape[a].known != 1)}))
        return Part(self.spread(part, shape, wanted), wanted)

    def masked(self, part: Part, condition: Node, shape: Shape) -> Part:
        """The part where a condition holds, which broadcasts to a value of that shape."""
        if not condition.rank:
            return Part(self.make(ops.where, condition, part.node, const(0)), part.axes)
        first = len(shape) - condition.rank
        varying = [first + i for i, dim in enumerate(condition.shape) if dim.known != 1]
        wide = self.full(part, shape, varying)
        lead = tuple(shape[a] if a in varying else ONE for a in wide.axes)
        mask = self.reshaped(condition, (*lead, ONE))
        return Part(self.make(ops.where, mask, wide.node, const(0)), wide.axes)

    def selected(self, part: Part, condition: Node, chosen: bool, shape: Shape = ()) -> Part:
        """The part where a condition is as it is said, which broadcasts to a value of that shape."""
        condition = condition if chosen else self.make(ops.logical_not, condition)
        return self.tidy(self.masked(part, condition, shape))


def composed(first: Index, second: Index) -> Index:
    """The index that picks at once what a second index picks of what a first one picked."""
    rest = iter(second)
    return tuple(item if item[0] == "at" else _after(item, next(rest)) for item in first)


def _after(outer: Item, inner: Item) -> Item:
    _, start, _, step = outer
    if inner[0] == "at":
        return ("at", start + step * inner[1])
    return ("slice", start + step * inner[1], inner[2], step * inner[3])


def in_any_order(node: Node) -> Node:
    """What holds the same positions as simply as can be."""
    while node.op in (ops.reshape, ops.transpose):
        node = node.args[0]
    return node


Beside = tuple[Node, int, object]  # an array, one of its axes, what else is picked


def _stretches(places: Iterable[int]) -> Iterable[list[int]]:
    """Neighbouring places together."""
    found: list[list[int]] = []
    for place in sorted(places):
        if found and found[-1][-1] + 1 == place:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def _beside(part: Part) -> Iterable[tuple[Beside, int]]:
    """For each axis on which an element was picked: what its neighbours share, and its place."""
    if part.node.op is not ops.getitem:
        return
    index = part.node["index"]
    for axis, item in enumerate(index):
        if item[0] == "at" and item[1].known is not None:
            rest = (index[:axis], index[axis + 1 :], part.axes)
            yield (part.node.args[0], axis, rest), item[1].known


def width_of(parts: Iterable[Part]) -> Dim:
    return sum((part.width for part in parts), Dim.of(0))
