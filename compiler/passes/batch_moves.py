"""Elements picked, put and moved in all steps of a loop at once.

gather(x, t)                  of t: all steps                     x
put(g, shape=[N])             of g: real[T, M]                    put(g, shape=[T, N])
patches(x)                    of x: real[T, N, C, …]              those of x as real[T*N, C, …]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import ops
from ..ir import Node
from ..ops.indexing import Index, whole
from ..ops.updates import elements
from ..types import Dim, size_of
from .operands import ONE, Operand, Rule, again, ranked, steps_at, steps_first, with_axis


def _getitem(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(node, operands[0].node, index=(whole(length), *node["index"]))


def _put(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(
        node,
        operands[0].node,
        shape=(length, *node["shape"]),
        index=(whole(length), *node["index"]),
    )


# --- index arrays ------------------------------------------------------------------------------------


def _together(index: Index) -> int | None:
    """Where the index arrays begin, if they stand together; None if slices part them."""
    advanced = [i for i, item in enumerate(index) if item[0] in ("array", "at")]
    apart = advanced[-1] - advanced[0] + 1 != len(advanced) or any(i[0] == "new" for i in index)
    return None if apart else advanced[0]


def _picked(index: Index, arrays: Sequence[Operand], length: Dim) -> tuple[Index, tuple[Node, ...]] | None:
    """The index of an array of all steps, and its index arrays."""
    first = _together(index)
    if first is None:
        return None
    if not any(a.stacked for a in arrays):
        return (whole(length), *index), tuple(a.node for a in arrays)
    if first != 0:
        return None
    rank = max(a.rank for a in arrays)
    steps = ops.arange(start=Dim.of(0), step=1, count=length)
    column = ops.reshape(steps, shape=(length, *(ONE,) * rank)) if rank else steps
    shifted = tuple(("array", item[1] + 1) if item[0] == "array" else item for item in index)
    return (("array", 0), *shifted), (column, *(ranked(a, rank) for a in arrays))


def _gather(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    """Where the index arrays stand together, their axes stay together."""
    x, *arrays = operands
    if not x.stacked:
        return _gather_of_one(node, x.node, arrays)
    found = _picked(node["index"], arrays, length)
    return None if found is None else again(node, x.node, *found[1], index=found[0])


def _gather_of_one(node: Node, x: Node, arrays: Sequence[Operand]) -> Node | None:
    """Each step's elements of the same array."""
    rows = _all_rows(node, x, arrays)
    if rows is not None:
        return rows
    first = _together(node["index"])
    if first is None:
        return None
    rank = max(a.rank for a in arrays)
    return steps_first(again(node, x, *(ranked(a, rank) for a in arrays)), first)


def _all_rows(node: Node, x: Node, arrays: Sequence[Operand]) -> Node | None:
    """x[k, t] of all k that the axis has: x[:, t]."""
    index: Index = node["index"]
    steps = [k for k, a in enumerate(arrays) if a.stacked]
    if len(steps) > 1 or any(a.rank for a in arrays) or ("new",) in index:
        return None
    axis = index.index(("array", steps[0]))
    every = ops.arange(start=Dim.of(0), step=1, count=x.shape[axis])
    chosen = arrays[steps[0]].node
    if chosen.op is not ops.arange or chosen.attrs != every.attrs:
        return None
    rest = [a.node for k, a in enumerate(arrays) if k != steps[0]]
    order = iter(range(len(rest)))
    items = [("array", next(order)) if i[0] == "array" and k != axis else i for k, i in enumerate(index)]
    items[axis] = whole(x.shape[axis])
    place = sum(item[0] == "slice" for item in items[:axis])
    return steps_first(elements(x, *rest, index=tuple(items)), place)


def _scatter_add(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    g, *arrays = operands
    found = _picked(node["index"], arrays, length)
    if found is None:
        return None
    shape = (length, *node["shape"])
    return again(node, with_axis(g, length), *found[1], shape=shape, index=found[0])


def _update(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    """set_at and add_at."""
    a, value, *arrays = operands
    index: Any = (whole(length), *node["index"])
    places: tuple[Node, ...] = ()
    if arrays:
        found = _picked(node["index"], arrays, length)
        if found is None:
            return None
        index, places = found
    return again(node, with_axis(a, length), with_axis(value, length), *places, index=index)


# --- along axes --------------------------------------------------------------------------------------


def _along(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    """take_along and put_along."""
    return again(node, *(with_axis(o, length) for o in operands), axis=node["axis"] + 1)


def _take_flat(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    x, k = operands
    if k.stacked:
        return None if x.stacked else again(node, x.node, k.node)
    rows = ops.reshape(x.node, shape=(length, size_of(x.node.shape[1:])))
    return ops.gather(rows, k.node, index=(whole(length), ("array", 0)))


def _put_flat(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    g, k = operands
    if k.stacked:
        return None
    shape = (length, *node["shape"])
    size = size_of(shape[1:])
    rows = ops.scatter_add(g.node, k.node, shape=(length, size), index=(whole(length), ("array", 0)))
    return ops.reshape(rows, shape=shape)


def _roll(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(node, operands[0].node, axis=tuple(a + 1 for a in node["axis"]))


def _repeat(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(node, operands[0].node, axis=node["axis"] + 1)


def _tile(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(node, operands[0].node, reps=(1, *node["reps"]))


def _pad(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(node, operands[0].node, widths=((Dim.of(0), Dim.of(0)), *node["widths"]))


# --- diagonals ---------------------------------------------------------------------------------------


def _diagonal(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    """diagonal, and trace as its sum."""
    x = operands[0].node
    if node.get("k") or x.shape[1] != x.shape[2]:
        return None
    spec = "kii->ki" if node.rank else "kii->k"
    return ops.contract(x, spec=spec)


def _put_diagonal(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    """diag and put_diagonal."""
    g = operands[0].node
    if node["k"] or node.shape[0] != node.shape[1]:
        return None
    places = ops.arange(start=Dim.of(0), step=1, count=g.shape[1])
    index = (whole(length), ("array", 0), ("array", 1))
    return ops.scatter_add(g, places, places, shape=(length, *node.shape), index=index)


# --- windows -----------------------------------------------------------------------------------------


def _patches(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    x = operands[0].node
    images = ops.reshape(x, shape=(length * x.shape[1], *x.shape[2:]))
    axis = 1 + len(node["kernel"])
    found = again(node, images)
    apart = (*found.shape[:axis], length, x.shape[1], *found.shape[axis + 1 :])
    return steps_first(ops.reshape(found, shape=apart), axis)


def _fold(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    axis = 1 + len(node["sizes"])
    g = steps_at(operands[0].node, axis)
    images = (*g.shape[:axis], length * g.shape[axis + 1], *g.shape[axis + 2 :])
    folded = again(node, ops.reshape(g, shape=images))
    return ops.reshape(folded, shape=(length, *node.shape))


MOVE_RULES: Mapping[str, Rule] = {
    "getitem": _getitem,
    "put": _put,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "set_at": _update,
    "add_at": _update,
    "take_along": _along,
    "put_along": _along,
    "take_flat": _take_flat,
    "put_flat": _put_flat,
    "roll": _roll,
    "repeat": _repeat,
    "tile": _tile,
    "pad": _pad,
    "fold_pad": _pad,
    "diagonal": _diagonal,
    "trace": _diagonal,
    "diag": _put_diagonal,
    "put_diagonal": _put_diagonal,
    "patches": _patches,
    "fold": _fold,
}
