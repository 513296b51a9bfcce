"""Scans along an axis: running sums and products, and the linear recurrence that their adjoints are.

    linear_scan:  s[0] = 0,  s[i+1] = b[i] + a[i] * s[i]        (from the end backwards if `reverse`)

The set is closed under differentiation: a recurrence's adjoint is the recurrence run the other way. No
rule divides by an element, so zeros are no exception.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Linearity, Node, Op, VjpRule, declare
from ..types import Type, TypeProblem
from .base import COERCIONS, check_axis
from .shape import DimText


def _scan_infer(x: Type, *, axis: int, **_: Any) -> Type:
    check_axis(axis, x.rank)
    return x


def _from_the_end(node: Node, d: DimText) -> str | None:
    """The sums of what is turned round, which will be turned round again."""
    (x,) = node.args
    turned = x.op is ops.flip and x["axis"] == (node["axis"],) and x.type.kind == "real"
    return f"_cumsum(x, {node['axis']})" if turned else None


def _scan(name: str, doc: str, vjp: VjpRule, linear: Linearity = "", **facts: Any) -> Op:
    def text(node: Node, d: DimText) -> str:
        axis = f"axis={node['axis']}" if node.rank > 1 else ""
        return f"x.{name}({axis})"

    return declare(
        Op(
            name,
            ("x",),
            doc,
            _scan_infer,
            lambda x, *, axis: getattr(np, name)(x, axis=axis),
            vjp,
            py=text,
            coerce=COERCIONS["number"],
            linear=linear,
            work="reduction",
            **facts,
        )
    )


def _cumsum_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis = out["axis"]
    return (ops.flip(ops.cumsum(ops.flip(g, axis=(axis,)), axis=axis), axis=(axis,)),)


def _cumprod_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    """With s[i] = g[i] + x[i+1] * s[i+1]: the product before i, times s[i]."""
    axis = out["axis"]
    later = ops.linear_scan(x * g, x, axis=axis, reverse=True)
    return (ops.exclusive_cumprod(x, axis=axis, reverse=False) * (g + later),)


cumsum = _scan(
    "cumsum", "The sums of the first elements, of one more each.", _cumsum_vjp, "jointly", fast=_from_the_end
)
cumprod = _scan("cumprod", "The products of the first elements, of one more each.", _cumprod_vjp)


# --- with the own element left out ---------------------------------------------------------------


def along_first(step: Callable[..., Array], *arrays: Array, axis: int, reverse: bool) -> Array:
    """`step` on the arrays with the axis in front, reversed if asked; the result as they were."""
    turn = slice(None, None, -1 if reverse else 1)
    result = step(*(np.moveaxis(a, axis, 0)[turn] for a in arrays))
    return np.moveaxis(result[turn], 0, axis)


def _products_before(x: Array) -> Array:
    out = np.ones_like(x)
    for i in range(1, len(x)):
        out[i] = out[i - 1] * x[i - 1]
    return out


def _recurrence(b: Array, a: Array) -> Array:
    out = np.zeros_like(b)
    for i in range(1, len(b)):
        out[i] = b[i - 1] + a[i - 1] * out[i - 1]
    return out


def _exclusive_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    axis, reverse = out["axis"], out["reverse"]
    return (out * ops.linear_scan(g, x, axis=axis, reverse=not reverse),)


exclusive_cumprod = declare(
    Op(
        "exclusive_cumprod",
        ("x",),
        "The product of the elements before each (after each, if reverse).",
        _scan_infer,
        lambda x, *, axis, reverse: along_first(_products_before, x, axis=axis, reverse=reverse),
        _exclusive_vjp,
        work="reduction",
        py=lambda node, d: f"_exclusive_cumprod(x, {node['axis']}, {node['reverse']})",
    )
)


def _linear_scan_infer(b: Type, a: Type, *, axis: int, reverse: bool) -> Type:
    if a.shape != b.shape:
        raise TypeProblem("E0203", f"a scan of {b} with factors {a}")
    return _scan_infer(b, axis=axis)


def _linear_scan_vjp(g: Node, out: Node, b: Node, a: Node) -> tuple[Node, Node]:
    back = ops.linear_scan(g, a, axis=out["axis"], reverse=not out["reverse"])
    return back, back * out


linear_scan = declare(
    Op(
        "linear_scan",
        ("b", "a"),
        "The recurrence s[i+1] = b[i] + a[i] * s[i] from 0 on (backwards, if reverse).",
        _linear_scan_infer,
        lambda b, a, *, axis, reverse: along_first(_recurrence, b, a, axis=axis, reverse=reverse),
        _linear_scan_vjp,
        work="reduction",
        py=lambda node, d: f"_linear_scan(b, a, {node['axis']}, {node['reverse']})",
    )
)
