"""Ops that move elements and compute nothing: reshape, transpose, broadcast.

column = ops.reshape(x, shape=(N, Dim.of(1)))     # x[:, None]
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import ops
from ..ir import Interval, Node, Op, declare
from ..types import Dim, Shape, Type, TypeProblem, same_size, shape_text, size_of
from .base import COERCIONS, check_axis

DimText = Callable[[Dim], str]


def tuple_text(items: list[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def shape_arg(shape: Shape, d: DimText) -> str:
    """A shape as NumPy's functions take it: a number for one axis, else a tuple."""
    return d(shape[0]) if len(shape) == 1 else tuple_text([d(dim) for dim in shape])


# --- reshape -------------------------------------------------------------------------------------


def _reshape_infer(x: Type, *, shape: Shape) -> Type:
    if not same_size(x.shape, shape):
        raise TypeProblem("E0203", f"{x} to {shape_text(shape)}: {size_of(x.shape)} is not {size_of(shape)}")
    return x.with_shape(shape)


def _unit_axes(old: Shape, new: Shape) -> list[str] | None:
    """The index that inserts and drops axes of length 1 to make `new` of `old`; None if that is not all."""
    items, position = [], 0
    for dim in new:
        while position < len(old) and old[position].known == 1 and dim.known != 1:
            items.append("0")
            position += 1
        if position < len(old) and old[position] == dim:
            items.append(":")
            position += 1
        elif dim.known == 1:
            items.append("None")
        else:
            return None
    rest = old[position:]
    return [*items, *("0" for _ in rest)] if all(d.known == 1 for d in rest) else None


def _reshape_py(node: Node, d: DimText) -> str:
    old, new = node.args[0].shape, node.shape
    if not old:
        return f"np.full({shape_arg(new, d)}, x)"
    if not new:
        return "x.item()" if node.type.kind == "real" else f"x[{', '.join('0' * len(old))}]"
    items = _unit_axes(old, new)
    if items is not None:
        while items[-1] == ":" and len(items) > 1:
            items.pop()
        return f"x[{', '.join(items)}]"
    if len(new) == 1:
        return "x.ravel()"
    return f"x.reshape({', '.join(d(dim) for dim in new)})"


reshape = declare(
    Op(
        "reshape",
        ("x",),
        "The same elements, in C order, in another shape.",
        _reshape_infer,
        lambda x, *, shape: np.reshape(x, shape),
        lambda g, out, x: (ops.reshape(g, shape=x.shape),),
        py=_reshape_py,
        scalar="x",
        bounds=lambda x: x,
        view=True,
        linear="jointly",
    )
)


# --- transpose -----------------------------------------------------------------------------------


def _transpose_infer(x: Type, *, axes: tuple[int, ...]) -> Type:
    if sorted(axes) != list(range(x.rank)):
        raise TypeProblem("E0207", f"axes {axes} are not a permutation of the {x.rank} axes of {x}")
    return x.with_shape(tuple(x.shape[a] for a in axes))


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def _transpose_py(node: Node, d: DimText) -> str:
    axes = node["axes"]
    moved = [i for i, a in enumerate(axes) if i != a]
    if len(axes) < 2 or not moved:
        return "x"
    if axes == tuple(reversed(range(len(axes)))):
        return "x.T"
    if len(moved) == 2:
        swapped = [m if m + 2 < len(axes) else m - len(axes) for m in moved]
        return f"x.swapaxes({swapped[0]}, {swapped[1]})"
    return f"x.transpose({', '.join(map(str, axes))})"


transpose = declare(
    Op(
        "transpose",
        ("x",),
        "The axes in another order.",
        _transpose_infer,
        lambda x, *, axes: np.transpose(x, axes),
        lambda g, out, x: (ops.transpose(g, axes=_inverse(out["axes"])),),
        py=_transpose_py,
        scalar="x",
        bounds=lambda x: x,
        view=True,
        linear="jointly",
    )
)


def swap_last(x: Node) -> Node:
    """A matrix, or a stack of them, transposed."""
    rank = x.rank
    return ops.transpose(x, axes=(*range(rank - 2), rank - 1, rank - 2))


# --- broadcast_to --------------------------------------------------------------------------------


def _broadcast_infer(x: Type, *, shape: Shape) -> Type:
    offset = len(shape) - x.rank
    if offset < 0:
        raise TypeProblem("E0203", f"{x} does not broadcast to {shape_text(shape)}")
    for have, want in zip(x.shape, shape[offset:]):
        if have.known != 1 and have != want:
            raise TypeProblem("E0203", f"{x} does not broadcast to {shape_text(shape)}: {have} is not {want}")
    return x.with_shape(shape)


def _broadcast_py(node: Node, d: DimText) -> str:
    shape = shape_arg(node.shape, d)
    if node.args[0].rank:
        return f"np.broadcast_to(x, {shape})"
    dtype = {"real": "_REAL", "int": "np.int64", "bool": "np.bool_"}[node.type.kind]
    value = ops.const_value(node.args[0])
    if node.type.kind == "real" and value in (0.0, 1.0) and str(value)[0] != "-":
        return f"np.{'ones' if value else 'zeros'}({shape}, _REAL)"
    return f"np.full({shape}, x, {dtype})"


broadcast_to = declare(
    Op(
        "broadcast_to",
        ("x",),
        "The value repeated along new axes and axes of length 1.",
        _broadcast_infer,
        lambda x, *, shape: np.broadcast_to(x, shape),
        lambda g, out, x: (g,),  # autodiff sums it back
        py=_broadcast_py,
        scalar="x",
        bounds=lambda x: x,
        view=True,
        linear="jointly",
    )
)


# --- joining -------------------------------------------------------------------------------------


def slice_along(x: Node, axis: int, start: Dim, length: Dim) -> Node:
    """The elements from `start` on along an axis."""
    index = tuple(("slice", Dim.of(0), dim, 1) for dim in x.shape)
    return ops.getitem(x, index=(*index[:axis], ("slice", start, length, 1), *index[axis + 1 :]))


def _concatenate_infer(*xs: Type, axis: int) -> Type:
    first = xs[0]
    check_axis(axis, first.rank)
    for x in xs[1:]:
        what = f"concatenate of {first} and {x}"
        if x.rank != first.rank:
            raise TypeProblem("E0203", what)
        for i, (a, b) in enumerate(zip(first.shape, x.shape)):
            if i != axis and a != b:
                raise TypeProblem("E0203", f"{what} along axis {axis}: {a} is not {b}")
    total = sum((x.shape[axis] for x in xs), Dim.of(0))
    return first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :]))


def _concatenate_vjp(g: Node, out: Node, *xs: Node) -> tuple[Node, ...]:
    axis, start, parts = out["axis"], Dim.of(0), []
    for x in xs:
        parts.append(slice_along(g, axis, start, x.shape[axis]))
        start = start + x.shape[axis]
    return tuple(parts)


def arguments_text(node: Node) -> str:
    """The arguments of a variadic op: x0, x1, …"""
    return ", ".join(f"x{k}" for k in range(len(node.args)))


def _joined(name: str) -> Callable[[Node, DimText], str]:
    def text(node: Node, d: DimText) -> str:
        axis = f", axis={node['axis']}" if node["axis"] else ""
        comma = "," * (len(node.args) == 1)
        return f"np.{name}(({arguments_text(node)}{comma}){axis})"

    return text


def _hull(*xs: Interval) -> Interval:
    return min(x[0] for x in xs), max(x[1] for x in xs)


concatenate = declare(
    Op(
        "concatenate",
        ("*x",),
        "Arrays one after the other along an axis.",
        _concatenate_infer,
        lambda *xs, axis: np.concatenate(xs, axis),
        _concatenate_vjp,
        py=_joined("concatenate"),
        coerce=COERCIONS["compare"],
        bounds=_hull,
        linear="jointly",
    )
)


def _stack_infer(*xs: Type, axis: int) -> Type:
    first = xs[0]
    check_axis(axis, first.rank + 1)
    for x in xs[1:]:
        if x.shape != first.shape:
            raise TypeProblem("E0203", f"stack of {first} and {x}")
    return first.with_shape((*first.shape[:axis], Dim.of(len(xs)), *first.shape[axis:]))


def _element(g: Node, axis: int, k: int) -> Node:
    index = tuple(("slice", Dim.of(0), dim, 1) for dim in g.shape)
    return ops.getitem(g, index=(*index[:axis], ("at", Dim.of(k)), *index[axis + 1 :]))


def _stack_py(node: Node, d: DimText) -> str:
    if node.rank > 1:
        return _joined("stack")(node, d)
    return f"np.array([{arguments_text(node)}]{', _REAL' * (node.type.kind == 'real')})"


stack = declare(
    Op(
        "stack",
        ("*x",),
        "Arrays of one shape as the elements along a new axis.",
        _stack_infer,
        lambda *xs, axis: np.stack(xs, axis),
        lambda g, out, *xs: tuple(_element(g, out["axis"], k) for k in range(len(xs))),
        py=_stack_py,
        coerce=COERCIONS["compare"],
        bounds=_hull,
        linear="jointly",
    )
)
