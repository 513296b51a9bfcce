"""What a value depends on whose elements come in another order: reversed, repeated, by diagonals, by windows.

y = flip(x)      Part(node, (0,))  →  Part(node[::-1], (0,))
y = tril(x)      Part(node, (0, 1))  →  the same where the column is not beyond the row, else none
"""

from __future__ import annotations

from .. import ops
from ..ir import Node, Op, const
from ..types import Dim, Shape
from .index_sets import ONE, IndexSets, Part
from .sparsity_moves import Knows, along_axis, on_node_axes, pick, rule_of

# --- order ---------------------------------------------------------------------------------------


@rule_of("flip")
def _flip(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    axes = tuple(i for i, axis in enumerate(part.axes) if axis in node["axis"])
    return [Part(walk.sets.make(ops.flip, part.node, axis=axes), part.axes)] if axes else [part]


@rule_of("roll")
def _roll(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    moved = [(s, part.axes.index(a)) for s, a in zip(node["shift"], node["axis"]) if a in part.axes]
    if not moved:
        return [part]
    source, total = part.node, {axis: Dim.of(shift) for shift, axis in moved}
    if source.op is ops.roll:
        for shift, axis in zip(source["shift"], source["axis"]):
            total[axis] = total.get(axis, Dim.of(0)) + shift
        source = source.args[0]
    axes = sorted(axis for axis, shift in total.items() if shift.known != 0)
    if not axes:
        return [Part(source, part.axes)]
    shifts = tuple(total[axis] for axis in axes)
    return [Part(walk.sets.make(ops.roll, source, shift=shifts, axis=tuple(axes)), part.axes)]


@rule_of("repeat")
def _repeat(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    if node["axis"] not in part.axes:
        return [part]
    axis = part.axes.index(node["axis"])
    return [Part(walk.sets.make(ops.repeat, part.node, repeats=node["repeats"], axis=axis), part.axes)]


@rule_of("tile")
def _tile(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    reps = on_node_axes(part, lambda axis: Dim.of(node["reps"][axis]), ONE)
    return [Part(walk.sets.make(ops.tile, part.node, reps=reps), part.axes)]


# --- triangles and diagonals ---------------------------------------------------------------------


def offsets(sets: IndexSets, shape: Shape) -> Node:
    """How far each element of a matrix is to the right of the diagonal."""
    rows, columns = (along_axis(sets, dim, axis, 2) for axis, dim in enumerate(shape))
    return sets.make(ops.sub, columns, rows)


@rule_of("tril", "triu")
def triangle(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    compare = ops.less_equal if node.op is ops.tril else ops.greater_equal
    return [in_triangle(walk.sets, part, node.shape, compare, node["k"])]


def in_triangle(sets: IndexSets, part: Part, shape: Shape, compare: Op, k: int) -> Part:
    kept = sets.make(compare, offsets(sets, shape[-2:]), const(k))
    return sets.masked(part, kept, shape)


@rule_of("diagonal")
def _diagonal(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    offset, count = node["k"], node.shape[0]
    starts = (max(-offset, 0), max(offset, 0))
    along = [walk.sets.make(ops.arange, start=Dim.of(start), step=1, count=count) for start in starts]
    return pick(walk, part, (("array", 0), ("array", 1)), along)


@rule_of("put_diagonal", "diag")
def _put_diagonal(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    """The vector down the rows, masked."""
    length, rows, offset = node.args[0].shape[0], node.shape[0], node["k"]
    before = Dim.of(max(-offset, 0))
    node_of = walk.sets.spread(part, node.args[0].shape, (0,))
    widths = ((before, rows - before - length), (Dim.of(0), Dim.of(0)))
    down = walk.sets.make(ops.pad, node_of, widths=widths, mode="constant", value=0.0)
    on = walk.sets.make(ops.equal, offsets(walk.sets, node.shape), const(offset))
    return [walk.sets.masked(Part(down, (0,)), on, node.shape)]


# --- windows -------------------------------------------------------------------------------------


@rule_of("take_flat")
def _take_flat(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    x, position = node.args
    if position.op is not ops.window_argmax or position.args[0] is not x:
        return walk.sets.merged(part, range(x.rank))
    return list(_window_max(walk, position, 0, part))


@rule_of("window_max")
def _window_max(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    count = len(node["kernel"])
    order = (1 + count, 0, *range(2 + count, 2 + 2 * count))  # [C, *kernel, N, *places] to [N, C, *places]
    windows = _windows(walk, node, part)
    return [one.on(order.index) for w in windows for one in walk.sets.merged(w, range(1, 1 + count))]


@rule_of("patches")
def _patches(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    return _windows(walk, node, part)


def _windows(walk: Knows, node: Node, part: Part) -> list[Part]:
    """The patches of positions: these are as good as channels."""
    sets, x = walk.sets, node.args[0]
    count, width = len(node["kernel"]), part.width
    axes = (0, 1, *range(2, x.rank))
    samples, channels = (x.shape[a] if a in part.axes else ONE for a in (0, 1))
    part = sets.full(part, x.shape, range(2, x.rank))
    shape = (*(x.shape[a] if a in part.axes else ONE for a in axes), width)
    wide = sets.transposed(sets.reshaped(part.node, shape), (0, 1, x.rank, *range(2, x.rank)))
    wide = sets.reshaped(wide, (samples, channels * width, *x.shape[2:]))
    attrs = {name: node[name] for name in ("kernel", "stride", "padding", "dilation")}
    found = sets.make(ops.patches, wide, **attrs)
    found = sets.reshaped(found, (channels, width, *found.shape[1:]))
    found = sets.transposed(found, (0, *range(2, 3 + 2 * count), 1))
    kernel, spots = found.shape[1 : 1 + count], found.shape[2 + count : -1]
    result = Part(found, tuple(range(2 + 2 * count)))
    return [sets.tidy(_shrunk(sets, result, (channels, *kernel, samples, *spots)))]


def _shrunk(sets: IndexSets, part: Part, shape: Shape) -> Part:
    """A part of these dims without the axes of length 1."""
    return sets.tidy(Part(sets.reshaped(part.node, (*shape, part.width)), part.axes))


@rule_of("fold")
def _fold(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    """[C, *kernel, N, *places] to [N, C, *sizes]: an element is in any of the windows."""
    count = len(node["sizes"])
    gone = [*range(1, 1 + count), *range(2 + count, 2 + 2 * count)]
    return [p.on({0: 1, 1 + count: 0}.__getitem__) for p in walk.sets.merged(part, gone)]
