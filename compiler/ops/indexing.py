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
    stride = abs(step)
    rest = size - start if step > 0 else start + 1
    to_the_end = length == rest if stride == 1 else length == (rest + (stride - 1)) // stride
    from_the_end = start == (Dim.of(0) if step > 0 else size - 1)
    first = "" if from_the_end else _position_text(start, size, d)
    last = "" if to_the_end else _stop_text(start + length * step, step, size, d)
    return f"{first}:{last}" + (f":{step}" if step != 1 else "")


def _stop_text(stop: Dim, step: int, size: Dim, d: DimText) -> str:
    text = _position_text(stop, size, d)
    if step > 0 or stop.known is not None:
        return text
    return f"({d(stop)} if {d(stop)} >= 0 else None)"  # -1 would be the last element


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
    )
)


# --- index arrays --------------------------------------------------------------------------------


def _check_index_arrays(arrays: Sequence[Type]) -> None:
    bad = next((a for a in arrays if a.kind != "int"), None)
    if bad is not None:
        raise TypeProblem("E0204", f"an index is an int, not {bad}")


def _gather_infer(x: Type, *arrays: Type, index: Index) -> Type:
    _check_index_arrays(arrays)
    return x.with_shape(indexed_shape(x.shape, index, [a.shape for a in arrays]))


def _gather_vjp(g: Node, out: Node, x: Node, *arrays: Node) -> tuple[Node | None, ...]:
    return (ops.scatter_add(g, *arrays, shape=x.shape, index=out["index"]), *(None for _ in arrays))


gather = declare(
    Op(
        "gather",
        ("x", "*i"),
        "The elements at positions that int arrays give: table[words], x[rows, labels].",
        _gather_infer,
        lambda x, *arrays, index: np.asarray(x)[subscript(index, arrays)],
        _gather_vjp,
        py=lambda node, d: f"x[{index_text(node['index'], node.args[0].shape, d)}]",
        selector=True,
        bounds=lambda x, *_: x,
        view=True,
    )
)


def _scatter_infer(g: Type, *arrays: Type, shape: Shape, index: Index) -> Type:
    _check_index_arrays(arrays)
    expected = indexed_shape(shape, index, [a.shape for a in arrays])
    if g.shape != expected:
        raise TypeProblem("E0203", f"{g} in the place of {shape_text(expected)}")
    return g.with_shape(shape)


def _scatter_eval(g: Array, *arrays: Array, shape: tuple[int, ...], index: Index) -> Array:
    g = np.asarray(g)
    out = np.zeros(shape, g.dtype)
    np.add.at(out, subscript(index, arrays), g)
    return out


def _picked_once(arrays: Sequence[Node]) -> bool:
    """Is no element picked twice? Where a single one is, or one along each step of an arange."""
    picked = broadcast(*(a.shape for a in arrays))
    return not picked or any(a.op.name == "arange" and a.shape == picked for a in arrays)


def _scatter_py(node: Node, d: DimText) -> str:
    _, *arrays = node.args
    zeros = f"out = np.zeros({shape_arg(node['shape'], d)}, _REAL)\n"
    place = index_text(node["index"], node["shape"], d)
    if _picked_once(arrays):
        return f"{zeros}out[{place}] = g"
    return f"{zeros}np.add.at(out, {_index_value(node['index'], node['shape'], d)}, g)"


def _index_value(index: Index, shape: Shape, d: DimText) -> str:
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
        py=_scatter_py,
    )
)


def _decrement_eval(p: Array, *arrays: Array) -> Array:
    out = np.array(p)
    out[tuple(np.asarray(a) for a in arrays)] -= 1
    return out


def _decrement_infer(p: Type, *arrays: Type) -> Type:
    _check_index_arrays(arrays)
    indexed_shape(p.shape, tuple(("array", k) for k in range(len(arrays))), [a.shape for a in arrays])
    return p


def _names(node: Node) -> str:
    return ", ".join(f"i{k}" for k in range(len(node.args) - 1))


decrement = declare(
    Op(
        "decrement",
        ("p", "*i"),
        "p less 1 at the picked elements, none of them picked twice: p - one_hot(labels).",
        _decrement_infer,
        _decrement_eval,
        lambda g, out, p, *arrays: (g, *(None for _ in arrays)),
        py=lambda node, d: f"out = p.copy()\nout[{_names(node)}] -= 1.0",
    )
)


# --- one element along an axis -------------------------------------------------------------------


def _along_infer(x: Type, k: Type, *, axis: int) -> Type:
    _check_index_arrays((k,))
    expected = tuple(Dim.of(1) if i == axis else dim for i, dim in enumerate(x.shape))
    if k.shape != expected:
        raise TypeProblem("E0203", f"positions {k} along axis {axis} of {x}")
    return x.with_shape(expected)


def _put_along_infer(g: Type, k: Type, *, axis: int, count: Dim) -> Type:
    _check_index_arrays((k,))
    if g.shape != k.shape:
        raise TypeProblem("E0203", f"{g} at positions {k}")
    return g.with_shape(tuple(count if i == axis else dim for i, dim in enumerate(g.shape)))


def _put_along_eval(g: Array, k: Array, *, axis: int, count: int) -> Array:
    out = np.zeros([count if i == axis else n for i, n in enumerate(g.shape)], g.dtype)
    np.put_along_axis(out, k, g, axis)
    return out


def _put_along_py(node: Node, d: DimText) -> str:
    zeros = f"out = np.zeros({shape_arg(node.shape, d)}, _REAL)"
    return f"{zeros}\nnp.put_along_axis(out, k, g, axis={node['axis']})"


take_along = declare(
    Op(
        "take_along",
        ("x", "k"),
        "For each slice along an axis its k-th element.",
        _along_infer,
        lambda x, k, *, axis: np.take_along_axis(x, k, axis),
        lambda g, out, x, k: (ops.put_along(g, k, axis=out["axis"], count=x.shape[out["axis"]]), None),
        py=lambda node, d: f"np.take_along_axis(x, k, axis={node['axis']})",
        selector=True,
        bounds=lambda x, k: x,
    )
)

put_along = declare(
    Op(
        "put_along",
        ("g", "k"),
        "Zeros but for g as the k-th element of each slice along an axis: the adjoint of take_along.",
        _put_along_infer,
        _put_along_eval,
        lambda h, out, g, k: (ops.take_along(h, k, axis=out["axis"]), None),
        py=_put_along_py,
    )
)


def _one_hot_py(node: Node, d: DimText) -> str:
    rank = node.args[0].rank
    zeros = f"out = np.zeros({shape_arg(node.shape, d)}, _REAL)\n"
    if rank > 1:
        return f"{zeros}np.put_along_axis(out, y[..., None], 1.0, axis=-1)"
    return f"{zeros}out[{f'np.arange({d(node.shape[0])}), ' if rank else ''}y] = 1.0"


def _one_hot_eval(y: Array, *, classes: int) -> Array:
    y = np.asarray(y)
    out = np.zeros((*y.shape, classes))
    np.put_along_axis(out, y[..., None], 1.0, axis=-1)
    return out


def _one_hot_infer(y: Type, *, classes: Dim) -> Type:
    _check_index_arrays((y,))
    return Type("real", (*y.shape, classes))


one_hot = declare(
    Op(
        "one_hot",
        ("y",),
        "For each label a row of zeros with a 1 at the label.",
        _one_hot_infer,
        _one_hot_eval,
        lambda g, out, y: (None,),
        py=_one_hot_py,
        bounds=lambda y: (0.0, 1.0),
    )
)

