"""One element of each row: by its label, or along an axis.

ops.decrement(p, rows, y)                 # p - one_hot(y), the slope of a cross-entropy
ops.take_along(x, k, axis=1)              # np.take_along_axis(x, k, axis=1)
"""

from __future__ import annotations

import numpy as np

from .. import ops
from ..ir import Array, Node, Op, declare
from ..types import Dim, Type, TypeProblem
from .indexing import check_index_arrays, indexed_shape, picks_in_each_row
from .shape import DimText, shape_arg

# --- labels --------------------------------------------------------------------------------------


def _decrement_eval(p: Array, *arrays: Array) -> Array:
    out = np.array(p)
    out[tuple(np.asarray(a) for a in arrays)] -= 1
    return out


def _decrement_infer(p: Type, *arrays: Type) -> Type:
    check_index_arrays(arrays)
    indexed_shape(p.shape, tuple(("array", k) for k in range(len(arrays))), [a.shape for a in arrays])
    return p


def _names(node: Node) -> str:
    return ", ".join(f"i{k}" for k in range(len(node.args) - 1))


def _decrement_fast(node: Node, d: DimText) -> str | None:
    p, *arrays = node.args
    return "out = p.copy()\n_decrement(out, i0, i1)" if picks_in_each_row(p.shape, arrays) else None


decrement = declare(
    Op(
        "decrement",
        ("p", "*i"),
        "p less 1 at the picked elements, none of them picked twice: p - one_hot(labels).",
        _decrement_infer,
        _decrement_eval,
        lambda g, out, p, *arrays: (g, *(None for _ in arrays)),
        work="update",
        py=lambda node, d: f"out = p.copy()\nout[{_names(node)}] -= 1.0",
        fast=_decrement_fast,
    )
)


# --- one element along an axis -------------------------------------------------------------------


def _along_infer(x: Type, k: Type, *, axis: int) -> Type:
    check_index_arrays((k,))
    expected = tuple(Dim.of(1) if i == axis else dim for i, dim in enumerate(x.shape))
    if k.shape != expected:
        raise TypeProblem("E0203", f"positions {k} along axis {axis} of {x}")
    return x.with_shape(expected)


def _put_along_infer(g: Type, k: Type, *, axis: int, count: Dim) -> Type:
    check_index_arrays((k,))
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


def _put_along_fast(node: Node, d: DimText) -> str:
    return f"out = np.zeros({shape_arg(node.shape, d)}, _REAL)\n_put_along(out, k, g, {node['axis']})"


take_along = declare(
    Op(
        "take_along",
        ("x", "k"),
        "For each slice along an axis its k-th element.",
        _along_infer,
        lambda x, k, *, axis: np.take_along_axis(x, k, axis),
        lambda g, out, x, k: (ops.put_along(g, k, axis=out["axis"], count=x.shape[out["axis"]]), None),
        work="pick",
        py=lambda node, d: f"np.take_along_axis(x, k, axis={node['axis']})",
        fast=lambda node, d: f"_take_along(x, k, {node['axis']})",
        selector=True,
        bounds=lambda x, k: x,
        linear="jointly",
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
        work="update",
        py=_put_along_py,
        fast=_put_along_fast,
        linear="jointly",
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
    check_index_arrays((y,))
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
