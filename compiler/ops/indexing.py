"""Picking elements by position, and its adjoints.

    ops.getitem(x, index=(("slice", Dim.of(0), N, 1), ("at", Dim.of(2))))     # x[:, 2]
    ops.gather(table, words, index=(("array", 0), ("slice", Dim.of(0), D, 1)))  # table[words]

An index has one item for each axis, in order: `("at", position)`, `("slice", start, length, step)` or, in
gather, `("array", k)` for the k-th index array; `("new",)` between them makes an axis of length 1.
Positions count from the front; index arrays may count from the back, as in NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Node, Op, declare
from ..types import Dim, Shape, Type, TypeProblem, broadcast, shape_text
from .shape import DimText, shape_arg

MOST_LEFT_OUT = 4  # that are looked for
Item = tuple[Any, ...]
Index = tuple[Item, ...]


def whole(dim: Dim) -> Item:
    """The item `:`."""
    return ("slice", Dim.of(0), dim, 1)


# --- shapes --------------------------------------------------------------------------------------


def _axes_of(index: Index) -> list[Item]:
    return [item for item in index if item[0] != "new"]


def indexed_shape(shape: Shape, index: Index, arrays: Sequence[Shape] = ()) -> Shape:
    """NumPy's rule: the dims of index arrays stand where these stood, in front if a slice parts them."""
    if len(_axes_of(index)) != len(shape):
        raise TypeProblem("E0208", f"{len(_axes_of(index))} indices for {shape_text(shape)}")
    picked = broadcast(*arrays) if arrays else ()
    advanced = [i for i, item in enumerate(index) if item[0] == "array" or (arrays and item[0] == "at")]
    together = not advanced or advanced[-1] - advanced[0] + 1 == len(advanced)
    result: list[Dim] = [] if together else list(picked)
    for position, item in enumerate(index):
        if together and advanced and position == advanced[0]:
            result.extend(picked)
        if item[0] == "slice":
            result.append(item[2])
        elif item[0] == "new":
            result.append(Dim.of(1))
    return tuple(result)


# --- values --------------------------------------------------------------------------------------


def _numpy_item(item: Item, arrays: Sequence[Any]) -> Any:
    if item[0] == "new":
        return None
    if item[0] == "at":
        return item[1]
    if item[0] == "array":
        return np.asarray(arrays[item[1]])
    _, start, length, step = item
    if length is None:  # a size that only a loop knows: its steps, all of them
        return slice(None)
    stop = start + length * step
    return slice(start, stop if stop >= 0 else None, step) if length else slice(0, 0)


def subscript(index: Index, arrays: Sequence[Any] = ()) -> tuple[Any, ...]:
    """The index as NumPy takes it; its dims are numbers already."""
    return tuple(_numpy_item(item, arrays) for item in index)


# --- text ----------------------------------------------------------------------------------------


def _position_text(position: Dim, size: Dim, d: DimText) -> str:
    """A position, counted from the back where that is a plain number and the position is not."""
    back = (position - size).known
    return str(back) if position.known is None and back is not None and back < 0 else d(position)


def _slice_text(start: Dim, length: Dim, step: int, size: Dim, d: DimText) -> str:
    """Where nothing is taken, the start may be no position: the stop equals it, or both are clipped."""
    if length.known == 0:
        return ":" if size.known == 0 else ":0"
    stride, stop = abs(step), start + length * step
    rest = size - start if step > 0 else start + 1
    most = rest if stride == 1 else (rest + (stride - 1)) // stride
    from_the_end = start == (Dim.of(0) if step > 0 else size - 1)
    first = "" if from_the_end else _position_text(start, size, d)
    if step < 0 and not start.is_natural and (size - start).known is None:
        last = f"({d(stop)} if {d(stop)} >= 0 or {d(length)} <= 0 else None)"
    elif length in (most, most.maximum(0)):
        last = ""
    elif step == 1 and (left := _left_out(length, rest)):
        last = f"-{left}"
    elif step < 0 and stop.known is None:
        last = f"({d(stop)} if {d(stop)} >= 0 else None)"  # -1 would be the last element
    else:
        last = _position_text(stop, size, d)
        first = first if last.startswith("-") or from_the_end or step < 0 else d(start)
    return f"{first}:{last}" + (f":{step}" if step != 1 else "")


def _left_out(length: Dim, rest: Dim) -> int:
    """How many elements a slice leaves out at the end, where that may be more than there are; else 0."""
    return next((n for n in range(1, MOST_LEFT_OUT + 1) if length == (rest - n).maximum(0)), 0)


def index_text(index: Index, shape: Shape, d: DimText) -> str:
    """The text between the brackets; index arrays are called i0, i1, …"""
    sizes = iter(shape)
    parts = []
    for item in index:
        if item[0] == "new":
            parts.append("None")
        elif item[0] == "array":
            next(sizes)
            parts.append(f"i{item[1]}")
        elif item[0] == "at":
            parts.append(_position_text(item[1], next(sizes), d))
        else:
            _, start, length, step = item
            parts.append(_slice_text(start, length, step, next(sizes), d))
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts)


# --- basic indexing ------------------------------------------------------------------------------


def _put_py(node: Node, d: DimText) -> str:
    place = index_text(node["index"], node["shape"], d)
    return f"out = np.zeros({shape_arg(node['shape'], d)}, _REAL)\nout[{place}] = g"


def _put_eval(g: Array, *, shape: tuple[int, ...], index: Index) -> Array:
    g = np.asarray(g)
    out = np.zeros(shape, g.dtype)
    out[subscript(index)] = g if g.ndim else g.item()
    return out


def _put_infer(g: Type, *, shape: Shape, index: Index) -> Type:
    expected = indexed_shape(shape, index)
    if g.shape != expected:
        raise TypeProblem("E0203", f"{g} in the place of {shape_text(expected)}")
    return g.with_shape(shape)


getitem = declare(
    Op(
        "getitem",
        ("x",),
        "The elements at positions that are known: x[:, 1:], x[-1].",
        lambda x, *, index: x.with_shape(indexed_shape(x.shape, index)),
        lambda x, *, index: np.asarray(x)[subscript(index)],
        lambda g, out, x: (ops.put(g, shape=x.shape, index=out["index"]),),
        py=lambda node, d: f"x[{index_text(node['index'], node.args[0].shape, d)}]",
        selector=True,
        bounds=lambda x: x,
        view=True,
        linear="jointly",
    )
)

put = declare(
    Op(
        "put",
        ("g",),
        "Zeros but for the elements that getitem picks: the adjoint of getitem.",
        _put_infer,
        _put_eval,
        lambda h, out, g: (ops.getitem(h, index=out["index"]),),
        py=_put_py,
        bounds=lambda g: (min(g[0], 0.0), max(g[1], 0.0)),
        linear="jointly",
    )
)


# --- index arrays --------------------------------------------------------------------------------


def check_index_arrays(arrays: Sequence[Type]) -> None:
    """TypeProblem unless they hold ints."""
    bad = next((a for a in arrays if a.kind != "int"), None)
    if bad is not None:
        raise TypeProblem("E0204", f"an index is an int, not {bad}")


def _gather_infer(x: Type, *arrays: Type, index: Index) -> Type:
    check_index_arrays(arrays)
    return x.with_shape(indexed_shape(x.shape, index, [a.shape for a in arrays]))


def _gather_vjp(g: Node, out: Node, x: Node, *arrays: Node) -> tuple[Node | None, ...]:
    return (ops.scatter_add(g, *arrays, shape=x.shape, index=out["index"]), *(None for _ in arrays))


def takes_rows(index: Index, shape: Shape) -> bool:
    """Whether one array picks whole parts along the first of several axes."""
    rest = zip(index[1:], shape[1:])
    first = len(index) == len(shape) > 1 and index[0][0] == "array"
    return first and all(item == whole(dim) for item, dim in rest)


def takes_columns(index: Index, shape: Shape) -> bool:
    """Whether one array picks columns of a matrix."""
    return len(index) == len(shape) == 2 and index[0] == whole(shape[0]) and index[1][0] == "array"


def picks_elements(shape: Shape, arrays: Sequence[Node]) -> bool:
    """Whether arrays of one shape, as many as there are axes, pick single elements."""
    same = len({a.shape for a in arrays}) == 1 and arrays[0].rank
    return len(arrays) == len(shape) > 1 and bool(same)


def picks_in_each_row(shape: Shape, arrays: Sequence[Node]) -> bool:
    """Whether arrays pick an element of each row of a matrix, row by row: x[arange(N), labels]."""
    if len(shape) != 2 or not picks_elements(shape, arrays):
        return False
    rows = arrays[0]
    if rows.op.name == "const":
        return np.array_equal(rows["value"].array, np.arange(shape[0].known or 0))
    counted = rows.op.name == "arange" and Dim.of(rows["count"]) == shape[0]
    return counted and Dim.of(rows["start"]).known == 0 and rows["step"] == 1


def _gather_fast(node: Node, d: DimText) -> str | None:
    x, *arrays = node.args
    if picks_elements(x.shape, arrays):
        routine = "_labelled" if picks_in_each_row(x.shape, arrays) else "_picked"
        return f"{routine}(x, {', '.join(f'i{k}' for k in range(len(arrays)))})"
    if not arrays[0].rank:
        return None
    if x.rank == 1 or takes_rows(node["index"], x.shape):
        return "_rows(x, i0)"
    return "_rows(x, i0, 1)" if takes_columns(node["index"], x.shape) else None


gather = declare(
    Op(
        "gather",
        ("x", "*i"),
        "The elements at positions that int arrays give: table[words], x[rows, labels].",
        _gather_infer,
        lambda x, *arrays, index: np.asarray(x)[subscript(index, arrays)],
        _gather_vjp,
        work="pick",
        py=lambda node, d: f"x[{index_text(node['index'], node.args[0].shape, d)}]",
        fast=_gather_fast,
        selector=True,
        bounds=lambda x, *_: x,
        view=True,
        linear="jointly",
    )
)


def _scatter_infer(g: Type, *arrays: Type, shape: Shape, index: Index) -> Type:
    check_index_arrays(arrays)
    expected = indexed_shape(shape, index, [a.shape for a in arrays])
    if g.shape != expected:
        raise TypeProblem("E0203", f"{g} in the place of {shape_text(expected)}")
    return g.with_shape(shape)


def _scatter_eval(g: Array, *arrays: Array, shape: tuple[int, ...], index: Index) -> Array:
    g = np.asarray(g)
    out = np.zeros(shape, g.dtype)
    np.add.at(out, subscript(index, arrays), g)
    return out


def picked_once(arrays: Sequence[Node]) -> bool:
    """Is no element picked twice? Where a single one is, or one along each step of an arange."""
    picked = broadcast(*(a.shape for a in arrays))
    return not picked or any(a.op.name == "arange" and a.shape == picked for a in arrays)


def _scatter_py(node: Node, d: DimText) -> str:
    _, *arrays = node.args
    zeros = f"out = np.zeros({shape_arg(node['shape'], d)}, _REAL)\n"
    place = index_text(node["index"], node["shape"], d)
    if picked_once(arrays):
        return f"{zeros}out[{place}] = g"
    return f"{zeros}np.add.at(out, {index_value(node['index'], node['shape'], d)}, g)"


def adding_routine(index: Index, shape: Shape, arrays: Sequence[Node]) -> str | None:
    """The routine that adds to whole rows of an array, or to columns of a matrix, that one array picks."""
    if picked_once(arrays):
        return None
    if takes_rows(index, shape):
        return "_add_rows"
    return "_add_columns" if takes_columns(index, shape) else None


def _scatter_fast(node: Node, d: DimText) -> str | None:
    _, *arrays = node.args
    routine = adding_routine(node["index"], node["shape"], arrays)
    zeros = f"out = np.zeros({shape_arg(node['shape'], d)}, _REAL)"
    return None if routine is None else f"{zeros}\n{routine}(out, i0, g)"


def index_value(index: Index, shape: Shape, d: DimText) -> str:
    """The index as a value: outside of brackets a slice cannot be written with colons."""
    place = index_text(index, shape, d)
    if ":" in place:
        return f"np.s_[{place}]"
    return place if "," not in place else f"({place})"


scatter_add = declare(
    Op(
        "scatter_add",
        ("g", "*i"),
        "Zeros with each g added at the place that gather took it from: the adjoint of gather.",
        _scatter_infer,
        _scatter_eval,
        lambda h, out, g, *arrays: (ops.gather(h, *arrays, index=out["index"]), *(None for _ in arrays)),
        work="update",
        py=_scatter_py,
        fast=_scatter_fast,
        linear="jointly",
    )
)


def row(stack: Node, step: Node) -> Node:
    """What an array holds at a position of its first axis."""
    index = (("array", 0), *map(whole, stack.shape[1:]))
    return ops.gather(stack, step, index=index)
