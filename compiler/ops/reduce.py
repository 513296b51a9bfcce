"""Reductions over axes: sums, extremes, products, truth.

    total = ops.sum(x, axis=(0,), keepdims=False)     # x.sum(axis=0)

`axis` is a sorted tuple of axes counted from 0; the empty tuple reduces nothing. An adjoint first gives
the cotangent its reduced axes back (as 1) and then broadcasts it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Interval, Node, NonDiff, Op, declare
from ..types import Dim, Kind, Shape, Type, TypeProblem, shape_text, size_of
from .base import COERCIONS, INF, check_axis

Axes = tuple[int, ...]


def check_axes(axis: Axes, shape: Shape) -> None:
    """TypeProblem unless these are distinct axes of the shape."""
    if len({check_axis(a, len(shape)) for a in axis}) < len(axis):
        raise TypeProblem("E0207", f"axis {axis} names an axis twice")


def reduced_shape(shape: Shape, axis: Axes, keepdims: bool) -> Shape:
    check_axes(axis, shape)
    if keepdims:
        return tuple(Dim.of(1) if i in axis else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axis)


def reduced_count(x: Node, axis: Axes) -> Dim:
    """How many elements each result is made of."""
    return size_of(tuple(x.shape[i] for i in axis))


def restored(g: Node, x: Node, axis: Axes) -> Node:
    """A reduced value with the reduced axes back as axes of length 1."""
    shape = reduced_shape(x.shape, axis, True)
    return g if g.shape == shape else ops.reshape(g, shape=shape)


def spread(g: Node, x: Node, axis: Axes) -> Node:
    """A reduced value at every element that it came from."""
    wide = restored(g, x, axis)
    return wide if wide.shape == x.shape else ops.broadcast_to(wide, shape=x.shape)


def axis_text(axis: Axes, rank: int, keepdims: bool) -> str:
    """The arguments of a NumPy reduction; no axis is named where all are meant."""
    parts = []
    if len(axis) < rank or (keepdims and rank > 1):
        parts.append(f"axis={axis[0] if len(axis) == 1 else axis}")
    if keepdims:
        parts.append("keepdims=True")
    return ", ".join(parts)


def method(name: str) -> Callable[..., str]:
    """The text `x.name(axis=…)`, or just `x` where no axis is reduced."""

    def text(node: Node, d: Callable[[Dim], str]) -> str:
        axis = node["axis"]
        return f"x.{name}({axis_text(axis, node.args[0].rank, node['keepdims'])})" if axis else "x"

    return text


def reduction(
    name: str,
    doc: str,
    evaluate: Callable[..., Any],
    vjp: Callable[..., tuple[Node | None, ...]] | NonDiff,
    *,
    kinds: str | None = None,
    result: Kind | None = None,
    attrs_check: Callable[..., None] = lambda x, axis, **_: None,
    **facts: Any,
) -> Op:
    """Declare a reduction; `kinds` coerces its argument, `result` is the kind of what comes out."""

    def infer(x: Type, *, axis: Axes, keepdims: bool, **attrs: Any) -> Type:
        attrs_check(x, axis, **attrs)
        return Type(result or x.kind, reduced_shape(x.shape, axis, keepdims))

    facts.setdefault("py", method(name))
    return declare(
        Op(name, ("x",), doc, infer, evaluate, vjp, coerce=COERCIONS[kinds] if kinds else None, **facts)
    )


# --- sums ----------------------------------------------------------------------------------------


def _sum_eval(x: Array, *, axis: Axes, keepdims: bool) -> Any:
    return np.asarray(x).sum(axis=axis, keepdims=keepdims)


def _sum_bounds(x: Interval) -> Interval:
    """A sum keeps a sign, nothing more: its length is not known."""
    low, high = x
    return (0.0 if low >= 0 else -INF, 0.0 if high <= 0 else INF)


sum_ = reduction(
    "sum",
    "The sum over axes; 0 of nothing.",
    _sum_eval,
    lambda g, out, x: (spread(g, x, out["axis"]),),
    kinds="number",
    bounds=_sum_bounds,
)


def _mean_eval(x: Array, *, axis: Axes, keepdims: bool) -> Any:
    x = np.asarray(x)
    count = int(np.prod([x.shape[i] for i in axis], dtype=int))
    with np.errstate(invalid="ignore", divide="ignore"):
        return x.sum(axis=axis, keepdims=keepdims) / np.float64(count)


def _mean_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    return (spread(g / ops.dim_value(reduced_count(x, axis)), x, axis) if axis else g,)


mean = reduction(
    "mean", "The arithmetic mean over axes; NaN of nothing.", _mean_eval, _mean_vjp, kinds="real", bounds=lambda x: x
)
