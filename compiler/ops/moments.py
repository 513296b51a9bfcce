"""Variance, standard deviation and norms.

    ops.var(x, axis=(0,), keepdims=False, ddof=0)
    ops.norm(x, axis=(1,), keepdims=False, ord=2)

The variance is taken in two passes; what the rounding of the mean leaves in the deviations is taken out of
their squares. At a constant input the derivative of `std` is 0, and so is that of a norm at 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Interval, Node
from ..types import Dim
from .base import EVERYWHERE, INF, elementwise
from .reduce import Axes, axis_text, broadcasting, reduced_count, reduction, restored

NONNEGATIVE: Interval = (0.0, INF)
SMALL, LARGE = 1e-145, 1e145  # beyond, squares lose digits or overflow


def _divide_or_zero_vjp(g: Node, out: Node, x: Node, y: Node) -> tuple[Node, Node]:
    quotient = ops.divide_or_zero(g, y)
    return quotient, -(quotient * out)


divide_or_zero = elementwise(
    "divide_or_zero",
    "x / y, and 0 where y is 0.",
    ("x", "y"),
    vjp=_divide_or_zero_vjp,
    np=lambda x, y: np.where(y == 0.0, 0.0, x / np.where(y == 0.0, 1.0, y)),
    py="_divide_or_zero(x, y)",
    scalar="0.0 if y == 0.0 else x / y",
    sympy=lambda sp, x, y: sp.Piecewise((0, sp.Eq(y, 0)), (x / y, True)),
    domain=((-3.0, 3.0), (0.5, 3.0)),
    special=((1.0, 0.0), (INF, 0.0), (0.0, 0.0), (0.0, 2.0)),
    bounds=lambda x, y: EVERYWHERE,
)


# --- variance ------------------------------------------------------------------------------------


def deviations(x: Node, axis: Axes) -> Node:
    return x - broadcasting(ops.mean, x, axis)


def _freedom(x: Node, axis: Axes, ddof: int) -> Node:
    """n - ddof as a divisor: NaN where that is not positive (0 is so by itself, for 0 / 0)."""
    freedom = reduced_count(x, axis) - ddof
    if freedom.known is not None:
        return ops.const(float(freedom.known) if freedom.known > 0 else float("nan"))
    count = ops.cast(ops.dim_value(freedom), "real")
    return ops.where(ops.greater(count, 0.0), count, float("nan")) if ddof else count


def _squares_eval(x: Array, *, axis: Axes, keepdims: bool) -> Any:
    x = np.asarray(x)
    count = int(np.prod([x.shape[a] for a in axis], dtype=int))
    squares = np.asarray(x * x).sum(axis=axis, keepdims=keepdims)
    total = x.sum(axis=axis, keepdims=keepdims)
    left = squares - total * total / max(count, 1)
    return left if x.dtype == object else np.where(left <= 1e-13 * squares, 0.0, left)


def _squares_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    return (2.0 * restored(g, x, axis) * deviations(x, axis),)


def _routine_text(name: str) -> Callable[..., str]:
    def text(node: Node, d: Callable[[Dim], str]) -> str:
        arguments = axis_text(node["axis"], node.args[0].rank, node["keepdims"])
        return f"{name}(x{', ' * bool(arguments)}{arguments})"

    return text


centred_squares = reduction(
    "centred_squares",
    "The sum of squares about the mean, of values whose mean is 0 but for rounding.",
    _squares_eval,
    _squares_vjp,
    kinds="real",
    py=_routine_text("_centred_squares"),
    bounds=lambda x: NONNEGATIVE,
)


def _var_expand(x: Node, *, axis: Axes, keepdims: bool, ddof: int) -> Node:
    squares = ops.centred_squares(deviations(x, axis), axis=axis, keepdims=keepdims)
    return squares / _freedom(x, axis, ddof)


def _var_eval(x: Array, *, axis: Axes, keepdims: bool, ddof: int) -> Any:
    x = np.asarray(x, float)
    count = int(np.prod([x.shape[a] for a in axis], dtype=int))
    with np.errstate(all="ignore"):
        deviation = x - x.sum(axis=axis, keepdims=True) / np.float64(count)
        squares = _squares_eval(deviation, axis=axis, keepdims=keepdims)
        return squares / (np.float64(count - ddof) if count > ddof else np.nan)


def _var_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    return (restored(2.0 * g / _freedom(x, axis, out["ddof"]), x, axis) * deviations(x, axis),)


var = reduction(
    "var",
    "The variance over axes: the mean squared deviation, with n - ddof for n.",
    _var_eval,
    _var_vjp,
    kinds="real",
    bounds=lambda x: NONNEGATIVE,
    expand=_var_expand,
)


def _std_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    slope = ops.divide_or_zero(g, _freedom(x, axis, out["ddof"]) * out)
    return (restored(slope, x, axis) * deviations(x, axis),)


std = reduction(
    "std",
    "The standard deviation: the square root of the variance.",
    lambda x, **attrs: np.sqrt(_var_eval(x, **attrs)),
    _std_vjp,
    kinds="real",
    bounds=lambda x: NONNEGATIVE,
    expand=lambda x, **attrs: ops.sqrt(ops.var(x, **attrs)),
)


# --- norms ---------------------------------------------------------------------------------------


def _norm_py(node: Node, d: Callable[[Dim], str]) -> str:
    if node["ord"] == 2:
        return _routine_text("_norm")(node, d)
    return f"np.abs(x).sum({axis_text(node['axis'], node.args[0].rank, node['keepdims'])})"


def _norm_eval(x: Array, *, axis: Axes, keepdims: bool, ord: int) -> Any:
    x = np.asarray(x)
    if ord == 1:
        return np.asarray(abs(x)).sum(axis=axis, keepdims=keepdims)
    if x.dtype == object:
        return np.asarray(x * x).sum(axis=axis, keepdims=keepdims) ** 0.5
    top = np.abs(x).max(axis=axis, keepdims=True, initial=0.0)
    scale = np.where((top > 0) & (top < INF) & ((top < SMALL) | (top > LARGE)), top, 1.0)
    root = np.sqrt(((x / scale) ** 2).sum(axis=axis, keepdims=True)) * scale
    return root if keepdims else root.squeeze(axis)


def _norm_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    if out["ord"] == 1:
        return (restored(g, x, axis) * ops.sign(x),)
    return (restored(ops.divide_or_zero(g, out), x, axis) * x,)


norm = reduction(
    "norm",
    "The length of a vector: Euclidean, or with ord=1 the sum of its absolute values.",
    _norm_eval,
    _norm_vjp,
    kinds="real",
    py=_norm_py,
    bounds=lambda x: NONNEGATIVE,
    keeps="all",
)
