"""Softmax and its kin, and normalisation to mean 0 and variance 1.

    ops.softmax(x, axis=1)

Each is one op for the rules and for differentiation. Afterwards `expand` lays the parts open,

    m = max(x),  d = x - m,  e = exp(d),  s = sum(e)
    softmax = e / s,  log_softmax = d - log(s),  logsumexp = log(s) + m

which a forward and a backward pass have in common. The shift m cancels, so nothing is differentiated by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Interval, Node, Op, declare
from ..types import Type
from .base import COERCIONS, EVERYWHERE, INF, check_axis, elementwise
from .reduce import (
    Axes,
    axis_text,
    broadcasting,
    check_axes,
    finished,
    reduced_shape,
    reduction,
    restored,
    row_max_text,
)
from .shape import DimText

UNIT: Interval = (0.0, 1.0)


# --- the shift -----------------------------------------------------------------------------------


def _max_shift_eval(x: Array, *, axis: Axes, keepdims: bool) -> Any:
    x = np.asarray(x)
    if x.dtype == object:
        return np.zeros_like(x.sum(axis=axis, keepdims=keepdims))
    return x.max(axis=axis, keepdims=keepdims, initial=-INF)


def _max_shift_py(node: Node, d: DimText) -> str:
    x, axis = node.args[0], node["axis"]
    arguments = [axis_text(axis, x.rank, node["keepdims"])]
    if not all(x.shape[a].known for a in axis):
        arguments.append("initial=-np.inf")
    return f"x.max({', '.join(filter(None, arguments))})"


def _max_shift_fast(node: Node, d: DimText) -> str | None:
    return row_max_text(node, "" if all(node.args[0].shape[a].known for a in node["axis"]) else ", -np.inf")


max_shift = reduction(
    "max_shift",
    "The largest element, -inf of nothing: a number to shift exponents by, which cancels in the end.",
    _max_shift_eval,
    lambda g, out, x: (None,),
    kinds="real",
    py=_max_shift_py,
    fast=_max_shift_fast,
    bounds=lambda x: (-INF, x[1]),
)


def _shifted_eval(x: Array, m: Array) -> Any:
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(m), np.where((x == m) & (m > 0), 0.0, -INF), x - m)


shifted = elementwise(
    "shifted",
    "x - m for the largest element m; where that is infinite 0 at +inf and -inf elsewhere.",
    ("x", "m"),
    vjp=lambda g, out, x, m: (g, -g),
    np=_shifted_eval,
    py="_shifted(x, m)",
    scalar="x - m if math.isfinite(m) or m != m else 0.0 if x == m > 0.0 else -math.inf",
    sympy=lambda sp, x, m: x - m,
    domain=((-3.0, 2.0), (2.0, 3.0)),
    special=((INF, INF), (1.0, INF), (-INF, -INF), (-INF, 1.0), (float("nan"), float("nan"))),
    bounds=lambda x, m: EVERYWHERE,
)


def exponentials(d: Node, axis: Axes) -> tuple[Node, Node]:
    """exp(d) and its sum."""
    e = ops.exp(d)
    return e, broadcasting(ops.sum, e, axis)


def below_max(x: Node, axis: Axes) -> Node:
    """x less its largest element along the axes."""
    return x - broadcasting(ops.max_shift, x, axis)


# --- softmax -------------------------------------------------------------------------------------


def _same(x: Type, *, axis: int) -> Type:
    check_axis(axis, x.rank)
    return x


def _softmax_eval(x: Array, *, axis: int) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True, initial=-INF))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def _softmax_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    weighted = g * out
    return (weighted - out * broadcasting(ops.sum, weighted, (out["axis"],)),)


def _softmax_expand(x: Node, *, axis: int) -> Node:
    e, s = exponentials(below_max(x, (axis,)), (axis,))
    return e / s


def unexpanded(node: Node, d: DimText) -> str:
    """The text of an op that has none."""
    raise TypeError(f"{node.op.name} is expanded before anything is emitted")


softmax = declare(
    Op(
        "softmax",
        ("x",),
        "exp(x) in parts of its sum along an axis.",
        _same,
        _softmax_eval,
        _softmax_vjp,
        py=unexpanded,
        expand=_softmax_expand,
        coerce=COERCIONS["real"],
        bounds=lambda x: UNIT,
    )
)


def log_softmax_reference(x: Array, *, axis: int) -> Array:
    """The value by NumPy."""
    d = x - x.max(axis=axis, keepdims=True, initial=-INF)
    return np.asarray(d - np.log(np.exp(d).sum(axis=axis, keepdims=True)))


def _log_softmax_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    return (g - ops.softmax(x, axis=axis) * broadcasting(ops.sum, g, (axis,)),)


def _log_softmax_expand(x: Node, *, axis: int) -> Node:
    d = below_max(x, (axis,))
    return d - ops.log(exponentials(d, (axis,))[1])


log_softmax = declare(
    Op(
        "log_softmax",
        ("x",),
        "The logarithm of softmax.",
        _same,
        log_softmax_reference,
        _log_softmax_vjp,
        py=unexpanded,
        expand=_log_softmax_expand,
        coerce=COERCIONS["real"],
        bounds=lambda x: (-INF, 0.0),
    )
)


# --- logsumexp -----------------------------------------------------------------------------------


def _stable_exponentials(x: Array, axis: Axes) -> tuple[Array, Array, Array]:
    m = x.max(axis=axis, keepdims=True, initial=-INF)
    e = np.exp(_shifted_eval(x, m))
    return m, e, e.sum(axis=axis, keepdims=True)


def _logsumexp_eval(x: Array, *, axis: Axes, keepdims: bool) -> Any:
    m, _, s = _stable_exponentials(np.asarray(x), axis)
    with np.errstate(divide="ignore"):
        z = np.log(s) + m
    return z if keepdims else z.squeeze(axis)


def _logsumexp_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    return (restored(g, x, axis) * ops.exp_share(x, axis=axis),)


def _shared_parts(x: Node, axis: Axes) -> tuple[Node, Node, Node]:
    m = broadcasting(ops.max_shift, x, axis)
    return (m, *exponentials(ops.shifted(x, m), axis))


def _logsumexp_expand(x: Node, *, axis: Axes, keepdims: bool) -> Node:
    m, _, s = _shared_parts(x, axis)
    return finished(ops.log(s) + m, x, axis, keepdims)


logsumexp = reduction(
    "logsumexp",
    "log(sum(exp(x))) without overflow; -inf of nothing.",
    _logsumexp_eval,
    _logsumexp_vjp,
    kinds="real",
    py=unexpanded,
    expand=_logsumexp_expand,
    bounds=lambda x: (-INF, INF),
)


def _exp_share_infer(x: Type, *, axis: Axes) -> Type:
    check_axes(axis, x.shape)
    return x


def _exp_share_eval(x: Array, *, axis: Axes) -> Array:
    _, e, s = _stable_exponentials(x, axis)
    return e / np.maximum(s, 1.0)


def _exp_share_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    weighted = g * out
    return (weighted - out * broadcasting(ops.sum, weighted, out["axis"]),)


def _exp_share_expand(x: Node, *, axis: Axes) -> Node:
    _, e, s = _shared_parts(x, axis)
    return e / ops.maximum(s, 1.0)  # s is 0 where all is -inf, at least 1 else


exp_share = declare(
    Op(
        "exp_share",
        ("x",),
        "The derivative of logsumexp: softmax, but 0 where all is -inf, and in equal parts at +inf.",
        _exp_share_infer,
        _exp_share_eval,
        _exp_share_vjp,
        py=unexpanded,
        expand=_exp_share_expand,
        bounds=lambda x: UNIT,
    )
)


# --- normalisation -------------------------------------------------------------------------------


def _normalize_infer(x: Type, *, axis: Axes, eps: float) -> Type:
    reduced_shape(x.shape, axis, True)
    return x


def _normalize_eval(x: Array, *, axis: Axes, eps: float) -> Array:
    d = x - x.mean(axis=axis, keepdims=True)
    with np.errstate(all="ignore"):
        return np.asarray(d / np.sqrt((d * d).mean(axis=axis, keepdims=True) + eps))


def _inverse_deviation(x: Node, axis: Axes, eps: float) -> Node:
    return ops.reciprocal(ops.sqrt(broadcasting(ops.var, x, axis, ddof=0) + eps))


def _normalize_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    centred = g - broadcasting(ops.mean, g, axis) - out * broadcasting(ops.mean, g * out, axis)
    return (_inverse_deviation(x, axis, out["eps"]) * centred,)


def _normalize_expand(x: Node, *, axis: Axes, eps: float) -> Node:
    return (x - broadcasting(ops.mean, x, axis)) * _inverse_deviation(x, axis, eps)


normalize = declare(
    Op(
        "normalize",
        ("x",),
        "(x - mean) / sqrt(variance + eps) over axes.",
        _normalize_infer,
        _normalize_eval,
        _normalize_vjp,
        py=unexpanded,
        expand=_normalize_expand,
        coerce=COERCIONS["real"],
    )
)
