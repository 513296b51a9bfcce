"""Where the elements go that ops move: what a picked, shaped or repeated value depends on.

A rule gets the walk (see `sparsity_walk.py`), the node, which argument is meant and a part of what this one
depends on; it gives parts of what the result depends on through it:

    y = x[1:, 0]        Part(node, (0, 1))  →  Part(node[1:, 0, :], (0,))
    y = table[words]    Part(node, (0, 1))  →  Part(node[words], (0, 1)); words must be known

Changes of order and sliding windows are in `sparsity_order.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from .. import ops
from ..ir import Node
from ..ops.indexing import Index, Item, picked_once, whole
from ..types import Dim, Shape, size_of
from .index_sets import ONE, IndexSets, Part, Parts, width_of


class Knows(Protocol):
    """What a rule needs to know of the graph around."""

    @property
    def sets(self) -> IndexSets: ...

    def image(self, node: Node) -> Node | None:
        """The node that computes an int value, if it can be computed without reals."""
        ...

    def within(self, positions: Node, size: Dim) -> Node:
        """Positions that are there, whatever else is computed."""
        ...


Rule = Callable[[Knows, Node, int, Part], Iterable[Part]]
RULES: dict[str, Rule] = {}


def rule_of(*names: str) -> Callable[[Rule], Rule]:
    """Enter a rule for ops of these names."""

    def enter(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, rule))
        return rule

    return enter


def on_node_axes(part: Part, give: Callable[[int], Any], last: Any) -> tuple[Any, ...]:
    """Something for each axis of a part's node: by the axis of the value, and for the positions."""
    return (*map(give, part.axes), last)


@rule_of("after", "detached", "columns", "in_training", "decrement", "governed")
def _same(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    return [part]


@rule_of("broadcast_to")
def aligned(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    """As NumPy broadcasts: the last axes are the last of the result."""
    added = node.rank - node.args[k].rank
    return [part.on(lambda axis: axis + added)]


@rule_of("transpose")
def _transpose(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    return [part.on(node["axes"].index)]


# --- reshape -------------------------------------------------------------------------------------


def _groups(old: Shape, new: Shape) -> list[tuple[range, range]]:
    """Axes that become axes: as few at a time as the sizes tell."""
    groups, i, j = [], 0, 0
    for stop in range(1, len(old) + 1):
        for end in range(j, len(new) + 1):
            if size_of(old[:stop]) == size_of(new[:end]) and stop < len(old) and end < len(new):
                groups.append((range(i, stop), range(j, end)))
                i, j = stop, end
                break
    return [*groups, (range(i, len(old)), range(j, len(new)))]


@rule_of("reshape")
def _reshape(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    old, new = node.args[0].shape, node.shape
    if size_of(old).known == 0:
        return []
    taken = [(a, b) for a, b in _groups(old, new) if set(a) & set(part.axes)]
    part = walk.sets.full(part, old, [axis for a, _ in taken for axis in a])
    axes = tuple(axis for _, b in taken for axis in b if new[axis].known != 1)
    shape = (*(new[axis] for axis in axes), part.width)
    return [Part(walk.sets.reshaped(part.node, shape), axes)]


# --- picking -------------------------------------------------------------------------------------


def places(index: Index, picked: int) -> tuple[int, list[int | None]]:
    """Where in the result the dims of index arrays begin, and for each axis of the array where it goes."""
    advanced = [i for i, item in enumerate(index) if item[0] == "array" or (picked and item[0] == "at")]
    arrays = any(item[0] == "array" for item in index)
    together = not advanced or advanced[-1] - advanced[0] + 1 == len(advanced)
    first, position = 0, 0 if together or not arrays else picked
    axes: list[int | None] = []
    for i, item in enumerate(index):
        if arrays and together and advanced and i == advanced[0]:
            first, position = position, position + picked
        if item[0] != "new":
            axes.append(position if item[0] == "slice" else None)
        position += item[0] in ("slice", "new")
    return first, axes


def pick(walk: Knows, part: Part, index: Index, arrays: Sequence[Node]) -> list[Part]:
    """What is picked of a value; along axes whose positions are not known it may be any of them."""
    items = [item for item in index if item[0] != "new"]
    images = [walk.image(array) for array in arrays]
    unknown = [i for i, item in enumerate(items) if item[0] == "array" and images[item[1]] is None]
    rank = max((array.rank for array in arrays), default=0)
    first, target = places(index, rank)
    found: list[Part] = []
    for left in walk.sets.merged(part, unknown):
        plain = on_node_axes(left, lambda a: _plain(items[a]), whole(left.width))
        sliced = Part(
            walk.sets.picked(left.node, _whole_arrays(plain, left.node.shape)),
            tuple(a for a in left.axes if items[a][0] != "at"),
        )
        found += _at_arrays(walk, sliced, items, images, first + rank, target)
    return found


def _plain(item: Item) -> Item | None:
    return None if item[0] == "array" else item


def _whole_arrays(index: Sequence[Item | None], shape: Shape) -> Index:
    return tuple(whole(dim) if item is None else item for item, dim in zip(index, shape))


def _at_arrays(
    walk: Knows,
    part: Part,
    items: Sequence[Item],
    images: Sequence[Node | None],
    stop: int,
    target: Sequence[int | None],
) -> list[Part]:
    """What index arrays pick; their dims are the result's axes before `stop`, the others go to `target`."""
    by_array = [i for i, a in enumerate(part.axes) if items[a][0] == "array"]
    others = [i for i in range(len(part.axes)) if i not in by_array]
    rest = tuple(target[part.axes[i]] or 0 for i in others)
    if not by_array:
        return [Part(part.node, rest)]
    chosen = [images[items[part.axes[i]][1]] for i in by_array]
    known = [walk.within(n, part.node.shape[i]) for n, i in zip(chosen, by_array) if n is not None]
    rank = max(n.rank for n in known)
    node = walk.sets.transposed(part.node, (*by_array, *others, len(part.axes)))
    index = (*(("array", j) for j in range(len(known))), *map(whole, node.shape[len(by_array) :]))
    node = walk.sets.make(ops.gather, node, *known, index=index)
    return [Part(node, (*range(stop - rank, stop), *rest))]


@rule_of("getitem", "gather")
def _pick(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    return pick(walk, part, node["index"], node.args[1:])


@rule_of("take_along")
def _take_along(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    """By index arrays along all axes: the positions along one, each place along the others."""
    shape, axis = node.args[0].shape, node["axis"]
    if axis not in part.axes or walk.image(node.args[1]) is None:
        return walk.sets.merged(part, [axis])
    along = [along_axis(walk.sets, dim, i, len(shape)) for i, dim in enumerate(node.shape)]
    along[axis] = node.args[1]
    index = tuple(("array", i) for i in range(len(shape)))
    return pick(walk, walk.sets.full(part, shape, range(len(shape))), index, along)


@rule_of("put_along")
def _put_along(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    position, axis = walk.image(node.args[1]), node["axis"]
    if position is None:
        return [part]
    here = walk.sets.make(ops.equal, along_axis(walk.sets, node["count"], axis, node.rank), position)
    return [walk.sets.masked(part, here, node.shape)]


def along_axis(sets: IndexSets, dim: Dim, axis: int, rank: int) -> Node:
    """0, 1, … along one of so many axes."""
    count = sets.make(ops.arange, start=Dim.of(0), step=1, count=dim)
    return sets.reshaped(count, tuple(dim if i == axis else ONE for i in range(rank)))


# --- filling in ----------------------------------------------------------------------------------


@rule_of("put")
def _put(walk: Knows, node: Node, k: int, part: Part) -> Parts:
    return put_in(walk, node, (), (part,), node.args[0].shape, ())


def put_in(walk: Knows, node: Node, base: Parts, value: Parts, shape: Shape, arrays: Sequence[Node]) -> Parts:
    """What has a value of a shape put in at the positions of the node's index, none of them twice.

    Where it is not known which these are, it may be any.
    """
    index: Index = node["index"]
    items = [item for item in index if item[0] != "new"]
    first, target = places(index, max((array.rank for array in arrays), default=0))
    images = [walk.image(array) for array in arrays]
    kept = _whole_axes(items, target, node.shape)
    if any(image is None for image in images) or len(items) < len(index):
        return (*base, *_anywhere(walk, value, kept))
    used = {axis for part in value for axis in part.axes}
    lazy = {t: a for t, a in kept.items() if t not in used and not any(a in part.axes for part in base)}
    if arrays and first != min(i for i, item in enumerate(items) if item[0] != "slice"):
        lazy = {}  # index arrays that slices part: their dims are in front
    axes = [a for a in range(node.rank) if a not in lazy.values()]
    source = [i for i in range(len(shape)) if i not in lazy]
    sets, width = walk.sets, width_of(base).maximum(width_of(value))
    sizes = {item[1]: dim for item, dim in zip(items, node.shape) if item[0] == "array"}
    known = [walk.within(n, sizes[j]) for j, n in enumerate(images) if n is not None]
    old = sets.joined(base, node.shape, axes, width)
    new = sets.joined(value, shape, source, width)
    inner = (*(items[a] for a in axes), whole(width))
    return (Part(sets.make(ops.set_at, old, new, *known, index=inner, once=False), tuple(axes)),)


def added_in(walk: Knows, node: Node, value: Parts, shape: Shape, arrays: Sequence[Node]) -> Parts:
    """What has a value added to it at positions that may be there several times."""
    if picked_once(arrays):
        return put_in(walk, node, (), value, shape, arrays)
    _, target = places(node["index"], max(array.rank for array in arrays))
    items = [item for item in node["index"] if item[0] != "new"]
    return tuple(_anywhere(walk, value, _whole_axes(items, target, node.shape)))


def _anywhere(walk: Knows, value: Parts, kept: dict[int, int]) -> list[Part]:
    """Parts of what is put somewhere along all axes but those that it has whole."""
    merged = [p for part in value for p in walk.sets.merged(part, set(part.axes) - set(kept))]
    return [p.on(kept.__getitem__) for p in merged]


def _whole_axes(items: Sequence[Item], target: Sequence[int | None], shape: Shape) -> dict[int, int]:
    """Axes that are taken whole: where in what is picked they are, and where in the array."""
    both = zip(target, items, shape)
    return {t: a for a, (t, item, dim) in enumerate(both) if t is not None and item == whole(dim)}


@rule_of("scatter_add")
def _scatter(walk: Knows, node: Node, k: int, part: Part) -> Parts:
    return added_in(walk, node, (part,), node.args[0].shape, node.args[1:])


@rule_of("put_flat")
def _put_flat(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    return walk.sets.merged(part, range(node.args[0].rank))


@rule_of("pad")
def _pad(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    widths, x = [tuple(map(Dim.of, pair)) for pair in node["widths"]], node.args[0]
    rims = [axis for axis, pair in enumerate(widths) if any(w.known != 0 for w in pair)]
    attrs = {"mode": node["mode"], "value": 0.0}
    if node["mode"] == "constant":
        # An axis of length 1 is longer with its rim.
        wanted = sorted({*part.axes, *rims})
        part = Part(walk.sets.spread(part, x.shape, wanted), tuple(wanted))
    zero = (Dim.of(0), Dim.of(0))
    wide = on_node_axes(part, widths.__getitem__, zero)
    return [Part(walk.sets.make(ops.pad, part.node, widths=wide, **attrs), part.axes)]


@rule_of("fold_pad")
def _fold_pad(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    rims = [axis for axis, pair in enumerate(node["widths"]) if any(Dim.of(w).known != 0 for w in pair)]
    return walk.sets.merged(part, rims)
