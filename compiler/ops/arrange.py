"""Ops that repeat elements or set them in another order: flip, roll, repeat, tile, pad.

    ops.pad(x, widths=((Dim.of(1), Dim.of(0)),), mode="constant", value=0.0)     # np.pad(x, ((1, 0),))

Each is linear; the adjoint adds up what came from one element.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Interval, Node, Op, declare
from ..types import Dim, Type, TypeProblem
from .base import check_axis
from .shape import DimText, tuple_text

Widths = tuple[tuple[Dim, Dim], ...]


# --- flip and roll -------------------------------------------------------------------------------


def _flip_infer(x: Type, *, axis: tuple[int, ...]) -> Type:
    for a in axis:
        check_axis(a, x.rank)
    return x


def _flip_py(node: Node, d: DimText) -> str:
    axis = node["axis"]
    if not axis:
        return "x"
    return f"x[{', '.join('::-1' if i in axis else ':' for i in range(max(axis) + 1))}]"


flip = declare(
    Op(
        "flip",
        ("x",),
        "The elements in reversed order along axes.",
        _flip_infer,
        lambda x, *, axis: np.flip(x, axis),
        lambda g, out, x: (ops.flip(g, axis=out["axis"]),),
        py=_flip_py,
        bounds=lambda x: x,
        view=True,
        linear="jointly",
    )
)


def _roll_infer(x: Type, *, shift: tuple[Dim, ...], axis: tuple[int, ...]) -> Type:
    for a in axis:
        check_axis(a, x.rank)
    if len(shift) != len(axis):
        raise TypeProblem("E0205", f"{len(shift)} shifts for {len(axis)} axes")
    return x


def _roll_py(node: Node, d: DimText) -> str:
    shift, axis = [d(Dim.of(s)) for s in node["shift"]], node["axis"]
    if len(axis) != 1:
        return f"np.roll(x, {tuple_text(shift)}, axis={axis})"
    return f"np.roll(x, {shift[0]}" + (f", axis={axis[0]})" if node.rank > 1 else ")")


def _roll_fast(node: Node, d: DimText) -> str | None:
    """Two slices: np.roll takes longer to call."""
    text = "x"
    for axis, by in zip(node["axis"], node["shift"]):
        text = f"_rolled({text}, {d(Dim.of(by))}, {axis})"
    return None if text == "x" else text


def _roll_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    return (ops.roll(g, shift=tuple(-s for s in out["shift"]), axis=out["axis"]),)


roll = declare(
    Op(
        "roll",
        ("x",),
        "The elements moved on along axes; what leaves at the end comes in at the front.",
        _roll_infer,
        lambda x, *, shift, axis: np.roll(x, shift, axis),
        _roll_vjp,
        py=_roll_py,
        fast=_roll_fast,
        bounds=lambda x: x,
        linear="jointly",
    )
)


# --- repeat and tile -----------------------------------------------------------------------------


def _scaled(shape: tuple[Dim, ...], axis: int, factor: Dim | int) -> tuple[Dim, ...]:
    return (*shape[:axis], shape[axis] * factor, *shape[axis + 1 :])


def _repeat_infer(x: Type, *, repeats: Dim | int, axis: int) -> Type:
    return x.with_shape(_scaled(x.shape, check_axis(axis, x.rank), repeats))


def _repeat_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    parts = (*x.shape[: axis + 1], Dim.of(out["repeats"]), *x.shape[axis + 1 :])
    return (ops.sum(ops.reshape(g, shape=parts), axis=(axis + 1,), keepdims=False),)


def _repeat_py(node: Node, d: DimText) -> str:
    axis = f", axis={node['axis']}" if node.rank > 1 else ""
    return f"np.repeat(x, {d(Dim.of(node['repeats']))}{axis})"


repeat = declare(
    Op(
        "repeat",
        ("x",),
        "Each element several times in a row along an axis.",
        _repeat_infer,
        lambda x, *, repeats, axis: np.repeat(x, repeats, axis),
        _repeat_vjp,
        py=_repeat_py,
        fast=lambda node, d: f"_repeated(x, {d(Dim.of(node['repeats']))}, {node['axis']})",
        bounds=lambda x: x,
        linear="jointly",
    )
)


def _tile_infer(x: Type, *, reps: tuple[Dim | int, ...]) -> Type:
    if len(reps) != x.rank:
        raise TypeProblem("E0205", f"{len(reps)} counts for {x}")
    return x.with_shape(tuple(dim * n for dim, n in zip(x.shape, reps)))


def _tile_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    parts = tuple(Dim.of(n) for pair in zip(out["reps"], x.shape) for n in pair)
    copies = tuple(range(0, 2 * x.rank, 2))
    return (ops.sum(ops.reshape(g, shape=parts), axis=copies, keepdims=False),)


tile = declare(
    Op(
        "tile",
        ("x",),
        "The whole array several times along each axis.",
        _tile_infer,
        lambda x, *, reps: np.tile(x, reps),
        _tile_vjp,
        py=lambda node, d: f"np.tile(x, {tuple_text([d(Dim.of(n)) for n in node['reps']])})",
        fast=lambda node, d: f"_tiled(x, {tuple_text([d(Dim.of(n)) for n in node['reps']])})",
        bounds=lambda x: x,
        linear="jointly",
    )
)


# --- pad -----------------------------------------------------------------------------------------


def _pad_infer(x: Type, *, widths: Widths, mode: str, value: float) -> Type:
    if len(widths) != x.rank:
        raise TypeProblem("E0205", f"{len(widths)} pairs of widths for {x}")
    if mode != "constant" and any(dim.known == 0 for dim in x.shape):
        raise TypeProblem("E0203", f"{x} has no element to pad with")
    return x.with_shape(tuple(before + dim + after for dim, (before, after) in zip(x.shape, widths)))


def _widths_text(widths: Widths, d: DimText) -> str:
    pairs = [(d(Dim.of(before)), d(Dim.of(after))) for before, after in widths]
    if all(pair == (pairs[0][0],) * 2 for pair in pairs):
        return pairs[0][0]
    return tuple_text([f"({before}, {after})" for before, after in pairs])


def _pad_py(node: Node, d: DimText) -> str:
    mode, value = node["mode"], node["value"]
    text = f"np.pad(x, {_widths_text(node['widths'], d)}"
    if mode != "constant":
        return f'{text}, mode="{mode}")'
    return text + (")" if value == 0 else f", constant_values={_number_text(value)})")


def _pad_fast(node: Node, d: DimText) -> str | None:
    """A constant into which the array is put: NumPy's pad takes longer to find out what to do."""
    (x,) = node.args
    if node["mode"] != "constant":
        return f'_with_rim(x, {_rims_text(node["widths"], d)}, "{node["mode"]}")'
    if x.type.kind != "real":
        return None
    places = []
    for size, (before, after) in zip(x.shape, node["widths"]):
        first, last = Dim.of(before), before + size
        whole = first.known == 0 and Dim.of(after).known == 0
        places.append(":" if whole else f"{d(first)}:{d(last)}")
    shape = tuple_text([d(dim) for dim in node.shape])
    value = node["value"]
    made = f"full({shape}, {_number_text(value)}, _REAL)" if value else f"zeros({shape}, _REAL)"
    return f"out = np.{made}\nout[{', '.join(places)}] = x"


def _rims_text(widths: Widths, d: DimText) -> str:
    """A pair of widths for each axis."""
    return tuple_text([f"({d(Dim.of(before))}, {d(Dim.of(after))})" for before, after in widths])


def _number_text(value: float) -> str:
    if np.isfinite(value):
        return repr(value)
    return "np.nan" if np.isnan(value) else "-np.inf" if value < 0 else "np.inf"


def _pad_eval(x: Array, *, widths: Any, mode: str, value: float) -> Array:
    pad: Callable[..., Array] = np.pad  # its overloads want the mode as a literal
    return pad(x, widths, mode=mode, **({"constant_values": value} if mode == "constant" else {}))


def _pad_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    if out["mode"] != "constant":
        return (ops.fold_pad(g, widths=out["widths"], mode=out["mode"]),)
    before = [Dim.of(pair[0]) for pair in out["widths"]]
    inner = tuple(("slice", start, dim, 1) for dim, start in zip(x.shape, before))
    return (ops.getitem(g, index=inner),)


def _pad_bounds(x: Interval) -> Interval:
    return (-np.inf, np.inf)  # a constant pad brings its own value


pad = declare(
    Op(
        "pad",
        ("x",),
        "The array with a rim: of a constant, or of its own elements by NumPy's modes.",
        _pad_infer,
        _pad_eval,
        _pad_vjp,
        py=_pad_py,
        fast=_pad_fast,
        bounds=_pad_bounds,
    )
)


def _fold_infer(g: Type, *, widths: Widths, mode: str) -> Type:
    return g.with_shape(tuple(dim - before - after for dim, (before, after) in zip(g.shape, widths)))


def _fold_eval(g: Array, *, widths: tuple[tuple[int, int], ...], mode: str) -> Array:
    for axis, (before, after) in enumerate(widths):
        rows = np.moveaxis(g, axis, 0)
        size = len(rows) - before - after
        inner = np.zeros((size, *rows.shape[1:]), g.dtype)
        np.add.at(inner, _pad_eval(np.arange(size), widths=(before, after), mode=mode, value=0.0), rows)
        g = np.moveaxis(inner, 0, axis)
    return g


def _fold_vjp(h: Node, out: Node, g: Node) -> tuple[Node]:
    return (ops.pad(h, widths=out["widths"], mode=out["mode"], value=0.0),)


def _fold_py(node: Node, d: DimText) -> str:
    text = "g"
    for axis, (size, (before, after)) in enumerate(zip(node.shape, node["widths"])):
        if Dim.of(before).known != 0 or Dim.of(after).known != 0:
            rim = f"({d(Dim.of(before))}, {d(Dim.of(after))})"
            text = f'_add_up({text}, np.pad(np.arange({d(size)}), {rim}, mode="{node["mode"]}"), {axis})'
    return text


fold_pad = declare(
    Op(
        "fold_pad",
        ("g",),
        "Each element of the rim added to the element that pad took it from: the adjoint of pad.",
        _fold_infer,
        _fold_eval,
        _fold_vjp,
        py=_fold_py,
        fast=lambda node, d: f'_without_rim(g, {_rims_text(node["widths"], d)}, "{node["mode"]}")',
        linear="jointly",
    )
)
