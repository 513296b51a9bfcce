"""Max pooling: where in x the largest element of each window is, and what is taken from there.

    k = ops.window_argmax(x, kernel=(two, two), stride=(2, 2), padding=(zero, zero), dilation=(1, 1))
    y = ops.take_flat(x, k)               # x.take(k)
    y = ops.window_max(x, kernel=(two, two), …)      # the same without k, at -O2

Positions count through the whole of x in C order. The first of several largest elements is taken; the rim of
a padded axis never is; NaN counts as the largest, as it does for np.max.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Node, NonDiff, Op, declare
from ..types import Dim, Shape, Type, TypeProblem
from .indexing import check_index_arrays
from .shape import DimText, shape_arg, tuple_text
from .windows import options_text, places_of


def _argmax_infer(x: Type, *, kernel: Shape, **attrs: Any) -> Type:
    if x.rank != 2 + len(kernel):
        raise TypeProblem("E0203", f"windows of {len(kernel)} axes in {x}")
    places = places_of(x.shape[2:], tuple(map(Dim.of, kernel)), **attrs)
    return Type("int", (*x.shape[:2], *places))


def _argmax_eval(x: Array, *, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    """Window by window: the members' positions on the plane, less the rim, and the largest of them."""
    plane = x.shape[2:]
    size = int(np.prod(plane))
    positions = np.arange(size).reshape(1, 1, *plane) + 1  # 0 is the rim
    windows = ops.patches.eval(positions, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    places = windows.shape[2 + len(kernel) :]
    members = windows.reshape(int(np.prod(kernel)), -1) - 1
    flat = x.reshape(-1, size)
    found = np.zeros((len(flat), members.shape[1]), int)
    for place in range(members.shape[1]):
        inside = members[members[:, place] >= 0, place]
        found[:, place] = inside[flat[:, inside].argmax(axis=1)]
    found += size * np.arange(len(flat))[:, None]
    result: Array = found.reshape(*x.shape[:2], *places)
    return result


window_argmax = declare(
    Op(
        "window_argmax",
        ("x",),
        "Where in x the first largest element of each window is, counted in C order.",
        _argmax_infer,
        _argmax_eval,
        NonDiff("a position is piecewise constant"),
        py=lambda node, d: (
            f"_window_argmax(x, {tuple_text([d(Dim.of(k)) for k in node['kernel']])}{options_text(node, d)})"
        ),
    )
)


def _take_infer(x: Type, k: Type) -> Type:
    check_index_arrays((k,))
    return x.with_shape(k.shape)


def _put_infer(g: Type, k: Type, *, shape: Shape) -> Type:
    check_index_arrays((k,))
    if g.shape != k.shape:
        raise TypeProblem("E0203", f"{g} at positions {k}")
    return g.with_shape(shape)


def _put_eval(g: Array, k: Array, *, shape: tuple[int, ...]) -> Array:
    out = np.zeros(shape, g.dtype)
    np.add.at(out.reshape(-1), k, g)
    return out


def _put_py(node: Node, d: DimText) -> str:
    zeros = f"out = np.zeros({shape_arg(node['shape'], d)}, _REAL)"
    return f"{zeros}\nnp.add.at(out.reshape(-1), k.ravel(), g.ravel())"


def _max_eval(x: Array, **attrs: Any) -> Array:
    found: Array = x.reshape(-1)[_argmax_eval(x, **attrs)]
    return found


def _max_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    return (ops.put_flat(g, ops.window_argmax(x, **dict(out.attrs)), shape=x.shape),)


window_max = declare(
    Op(
        "window_max",
        ("x",),
        "The largest element of each window.",
        lambda x, **attrs: x.with_shape(_argmax_infer(x, **attrs).shape),
        _max_eval,
        _max_vjp,
        py=lambda node, d: (
            f"_window_max(x, {tuple_text([d(Dim.of(k)) for k in node['kernel']])}{options_text(node, d)})"
        ),
        selector=True,
        bounds=lambda x: x,
    )
)

take_flat = declare(
    Op(
        "take_flat",
        ("x", "k"),
        "The elements at positions that count through the whole array.",
        _take_infer,
        lambda x, k: x.reshape(-1)[k],
        lambda g, out, x, k: (ops.put_flat(g, k, shape=x.shape), None),
        work="pick",
        py="x.take(k)",
        selector=True,
        bounds=lambda x, k: x,
        linear="jointly",
    )
)

put_flat = declare(
    Op(
        "put_flat",
        ("g", "k"),
        "Zeros with each g added at the position that take_flat took it from.",
        _put_infer,
        _put_eval,
        lambda h, out, g, k: (ops.take_flat(h, k), None),
        work="update",
        py=_put_py,
        fast=lambda node, d: f"out = np.zeros({shape_arg(node['shape'], d)}, _REAL)\n_add_flat(out, k, g)",
        linear="jointly",
    )
)
