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
from ..ir import OPS, Array, Interval, Node, NonDiff, Op, VjpRule, declare
from ..types import Dim, Kind, Shape, Type, TypeProblem, size_of
from .base import COERCIONS, INF, all_axes, check_axis
from .tiles import TILE

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
    """A reduced value that broadcasts against x: with the reduced axes back as 1; a scalar if all are."""
    shape = () if len(axis) == x.rank else reduced_shape(x.shape, axis, True)
    return g if g.shape == shape else ops.reshape(g, shape=shape)


def broadcasting(op: Op, x: Node, axis: Axes, **attrs: Any) -> Node:
    """A reduction of x in the form that broadcasts against x."""
    return op(x, axis=axis, keepdims=len(axis) < x.rank, **attrs)


def finished(z: Node, x: Node, axis: Axes, keepdims: bool) -> Node:
    """What `broadcasting` gave, in the shape that was asked for."""
    shape = reduced_shape(x.shape, axis, keepdims)
    return z if z.shape == shape else ops.reshape(z, shape=shape)


def spread(g: Node, x: Node, axis: Axes) -> Node:
    """A reduced value at every element that it came from."""
    wide = restored(g, x, axis)
    return wide if wide.shape == x.shape else ops.broadcast_to(wide, shape=x.shape)


def axis_text(axis: Axes, rank: int, keepdims: bool) -> str:
    """The arguments of a NumPy reduction; no axis is named where all are meant."""
    parts = []
    if len(axis) < rank:
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
    vjp: VjpRule | NonDiff,
    *,
    kinds: str | None = None,
    result: Kind | None = None,
    check: Callable[[str, Type, Axes], None] | None = None,
    **facts: Any,
) -> Op:
    """Declare a reduction; `kinds` coerces its argument, `result` is the kind of what comes out."""

    def infer(x: Type, *, axis: Axes, keepdims: bool, **_: Any) -> Type:
        shape = reduced_shape(x.shape, axis, keepdims)
        if check is not None:
            check(name, x, axis)
        return Type(result or x.kind, shape)

    facts.setdefault("py", method(name))
    facts.setdefault("work", "reduction")
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


SHORT = 40  # elements of a row that NumPy is slow to find the largest of
FEW = 64  # elements: of fewer NumPy's own sum over an axis is as quick


def sum_by_ones(node: Node, d: Callable[[Dim], str]) -> str | None:
    """A sum over one of the last two axes of a real array, or over all but the last, by BLAS: ones @ x."""
    (x,), axis = node.args, node["axis"]
    count, last = size_of(x.shape).known, x.rank - 1
    if x.type.kind != "real":
        return None
    if x.rank == 1:
        return "_total(x)" if axis and not node["keepdims"] else None
    if count is not None and count < FEW:
        return None
    ones = f"_ones({d(reduced_count(x, axis))})"
    if axis == (last,) and x.rank > 2 and TILE not in x.shape:
        rows = f"x.reshape({d(size_of(x.shape[:last]))}, {d(x.shape[last])})"
        return f"({rows} @ {ones}).reshape({', '.join(map(d, node.shape))})"
    if TILE in x.shape[:1] and x.rank > 2 and axis in ((0,), tuple(range(last))):
        return _over_rows(node, d)
    if axis == (last,):
        text = f"x @ {ones}" if x.rank == 2 else "_row_sums(x)"
        return f"({text})[..., None]" if node["keepdims"] else text
    if axis == (last - 1,):
        return f"({ones} @ x)[..., None, :]" if node["keepdims"] else f"{ones} @ x"
    if axis != tuple(range(last)) or node["keepdims"]:
        return None
    return f"{ones} @ x.reshape({d(reduced_count(x, axis))}, {d(x.shape[last])})"


def _over_rows(node: Node, d: Callable[[Dim], str]) -> str:
    """A sum over the rows of a tile, and all but the last axis, whose rows may lie in columns.

    What is left of a row is one axis in either order, in the memory that it has.
    """
    (x,), axis = node.args, node["axis"]
    rows, rest = x.shape[0], x.shape[1:]
    total = f"(_ones({d(rows)}) @ x.reshape({d(rows)}, {d(size_of(rest))}))"
    if len(axis) > 1:
        count = d(size_of(rest[:-1]))
        total = f"(_ones({count}) @ {total}.reshape({count}, {d(rest[-1])}))"
    return total if node.rank == 1 else f"{total}.reshape({', '.join(map(d, node.shape))})"


sum_ = reduction(
    "sum",
    "The sum over axes; 0 of nothing.",
    _sum_eval,
    lambda g, out, x: (spread(g, x, out["axis"]),),
    kinds="number",
    bounds=_sum_bounds,
    linear="jointly",
    fast=sum_by_ones,
)


def _mean_eval(x: Array, *, axis: Axes, keepdims: bool) -> Any:
    x = np.asarray(x)
    count = int(np.prod([x.shape[i] for i in axis], dtype=int))
    with np.errstate(invalid="ignore", divide="ignore"):
        return x.sum(axis=axis, keepdims=keepdims) / np.float64(count)


def _mean_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    return (spread(g / ops.dim_value(reduced_count(x, axis)), x, axis) if axis else g,)


def _mean_fast(node: Node, d: Callable[[Dim], str]) -> str | None:
    """A sum and a division: NumPy's mean is a Python function that takes longer to call."""
    (x,), axis = node.args, node["axis"]
    whole = len(axis) == x.rank and not node["keepdims"]
    text = sum_by_ones(node, d) or ("x.sum()" if whole else method("sum")(node, d))
    return f"{text} / {d(reduced_count(x, axis))}" if axis else None


mean = reduction(
    "mean",
    "The arithmetic mean over axes; NaN of nothing.",
    _mean_eval,
    _mean_vjp,
    kinds="real",
    bounds=lambda x: x,
    linear="jointly",
    fast=_mean_fast,
)


def flattened(x: Node, axis: Axes) -> tuple[Node, int]:
    """x with the reduced axes as one, and which; a single axis stays where it is."""
    if len(axis) == 1:
        return x, axis[0]
    kept = tuple(i for i in range(x.rank) if i not in axis)
    moved = x if axis == tuple(range(len(kept), x.rank)) else ops.transpose(x, axes=kept + axis)
    shape = (*(x.shape[i] for i in kept), reduced_count(x, axis))
    return ops.reshape(moved, shape=shape), len(kept)


def unflattened(y: Node, x: Node, axis: Axes) -> Node:
    """What `flattened` took apart, back in x's shape."""
    if len(axis) == 1:
        return y
    order = (*(i for i in range(x.rank) if i not in axis), *axis)
    y = ops.reshape(y, shape=tuple(x.shape[i] for i in order))
    if order == all_axes(x.shape):
        return y
    return ops.transpose(y, axes=tuple(sorted(range(x.rank), key=order.__getitem__)))


# --- products ------------------------------------------------------------------------------------


def _prod_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    """Each element gets the product of all the others: exact with any number of zeros."""
    axis = out["axis"]
    if not axis:
        return (g,)
    flat, along = flattened(x, axis)
    before = ops.exclusive_cumprod(flat, axis=along, reverse=False)
    after = ops.exclusive_cumprod(flat, axis=along, reverse=True)
    return (restored(g, x, axis) * unflattened(before * after, x, axis),)


prod = reduction(
    "prod",
    "The product over axes; 1 of nothing.",
    lambda x, *, axis, keepdims: np.asarray(x).prod(axis=axis, keepdims=keepdims),
    _prod_vjp,
    kinds="number",
    bounds=lambda x: (0.0 if x[0] >= 0 else -INF, INF),
)


# --- extremes ------------------------------------------------------------------------------------


def _not_empty(name: str, x: Type, axis: Axes) -> None:
    if any(x.shape[a].known == 0 for a in axis):
        raise TypeProblem("E0205", f"{name} of nothing: {x} has no element along axis {axis[0]}")


def _extreme_vjp(position: str) -> VjpRule:
    """The first of the extremes in C order takes the whole cotangent."""

    def vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
        axis = out["axis"]
        if not axis:
            return (g,)
        if len(axis) == x.rank:
            return (_put_first(position, g, x, axis),)
        flat, along = flattened(x, axis)
        first = OPS[position](flat, axis=(along,), keepdims=True)
        g = ops.reshape(g, shape=first.shape) if g.shape != first.shape else g
        return (unflattened(ops.put_along(g, first, axis=along, count=flat.shape[along]), x, axis),)

    return vjp


def _put_first(position: str, g: Node, x: Node, axis: Axes) -> Node:
    first = OPS[position](x, axis=axis, keepdims=False)
    size = reduced_count(x, axis)
    flat = ops.scatter_add(restored(g, x, axis), first, shape=(size,), index=(("array", 0),))
    return ops.reshape(flat, shape=x.shape) if x.rank > 1 else flat


def row_max_text(node: Node, initial: str = "") -> str | None:
    """The largest of each row, by a routine that knows how to go about short rows."""
    (x,), axis = node.args, node["axis"]
    known = x.shape[-1].known if x.rank else None
    if x.rank < 2 or axis != (x.rank - 1,) or (known is not None and known > SHORT):
        return None
    text = f"_row_max(x{initial})"
    return text if node["keepdims"] else f"{text}[..., 0]"


def _extreme(name: str, doc: str, position: str) -> Op:
    return reduction(
        name,
        doc,
        lambda x, *, axis, keepdims: getattr(np.asarray(x), name)(axis=axis, keepdims=keepdims),
        _extreme_vjp(position),
        kinds="number",
        check=_not_empty,
        bounds=lambda x: x,
        selector=True,
        keeps="all",
        fast=lambda node, d: row_max_text(node) if name == "max" and node.type.kind == "real" else None,
    )


max_ = _extreme("max", "The largest element over axes; its adjoint goes to the first of several.", "argmax")
min_ = _extreme("min", "The smallest element over axes; its adjoint goes to the first of several.", "argmin")


def _one_or_all(name: str, x: Type, axis: Axes) -> None:
    _not_empty(name, x, axis)
    if len(axis) not in (1, x.rank):
        raise TypeProblem("E0207", f"{name} takes one axis or all, not {axis} of {x}")


def _position(name: str, doc: str) -> Op:
    function = getattr(np, name)

    def evaluate(x: Array, *, axis: Axes, keepdims: bool) -> Any:
        x = np.asarray(x)
        return function(x, axis=axis[0] if len(axis) < x.ndim else None, keepdims=keepdims)

    def text(node: Node, d: Callable[[Dim], str]) -> str:
        axis, rank = node["axis"], node.args[0].rank
        return f"x.{name}({axis_text(axis, rank, node['keepdims'])})" if rank else "0"

    def fast(node: Node, d: Callable[[Dim], str]) -> str | None:
        """Along one axis of several, by a routine that knows where NumPy makes copies."""
        (x,), axis = node.args, node["axis"]
        count = size_of(x.shape).known
        if len(axis) == x.rank or (count is not None and count < FEW):
            return None
        return f"_{name}(x, {axis[0]}{', keepdims=True' if node['keepdims'] else ''})"

    reason = NonDiff("a position is piecewise constant")
    return reduction(name, doc, evaluate, reason, result="int", check=_one_or_all, py=text, fast=fast)


argmax = _position("argmax", "Where the largest element is, the first of several; in C order over all axes.")
argmin = _position("argmin", "Where the smallest element is, the first of several; in C order over all axes.")


# --- truth ---------------------------------------------------------------------------------------


def _bools(name: str, x: Type, axis: Axes) -> None:
    if x.kind != "bool":
        raise TypeProblem("E0204", f"{name} takes bools, not {x}")


def _truth(name: str, doc: str) -> Op:
    return reduction(
        name,
        doc,
        lambda x, *, axis, keepdims: getattr(np.asarray(x), name)(axis=axis, keepdims=keepdims),
        NonDiff("a truth value has no derivative"),
        check=_bools,
    )


all_ = _truth("all", "Do all elements hold?")
any_ = _truth("any", "Does any element hold?")
