"""Products of arrays summed over several axes at once: one matrix product, whatever the ranks.

    ops.tensordot(w, patches, axes=((1, 2, 3), (0, 1, 2)))     # np.tensordot(w, patches, 3)

The result has the axes that are left of the first, then those of the second. Either adjoint is such a product
again: of the cotangent and the other operand, over the axes that the other brought into the result.
"""

from __future__ import annotations

import numpy as np

from .. import ops
from ..ir import Array, Node, Op, declare
from ..types import Dim, Type, TypeProblem, size_of
from .base import COERCIONS, check_axis
from .shape import DimText

# Convolutions in groups of channels, by the number of axes of their kernels.
GROUPED = ("gock,gcknp->gonp", "gockl,gcklnpq->gonpq")
Axes = tuple[int, ...]
Pair = tuple[Axes, Axes]


def _rest(rank: int, axes: Axes) -> Axes:
    return tuple(i for i in range(rank) if i not in axes)


def _infer(a: Type, b: Type, *, axes: Pair) -> Type:
    for x, summed in zip((a, b), axes):
        for axis in summed:
            check_axis(axis, x.rank)
    for i, j in zip(*axes):
        if a.shape[i] != b.shape[j]:
            raise TypeProblem("E0203", f"tensordot of {a} and {b}: {a.shape[i]} is not {b.shape[j]}")
    left, right = _rest(a.rank, axes[0]), _rest(b.rank, axes[1])
    return a.with_shape((*(a.shape[i] for i in left), *(b.shape[j] for j in right)))


def _ordered(x: Node, axes: Axes) -> Node:
    """The array whose axis i is to be axis axes[i]."""
    if axes == tuple(range(x.rank)):
        return x
    return ops.transpose(x, axes=tuple(sorted(range(x.rank), key=axes.__getitem__)))


def _vjp(g: Node, out: Node, a: Node, b: Node) -> tuple[Node, Node]:
    summed_a, summed_b = out["axes"]
    left, right = _rest(a.rank, summed_a), _rest(b.rank, summed_b)
    of_a, of_b = tuple(range(len(left))), tuple(range(len(left), len(left) + len(right)))
    back_a = ops.tensordot(g, b, axes=(of_b, right))
    back_b = ops.tensordot(a, g, axes=(left, of_a))
    partner = dict(zip(summed_b, summed_a))
    order_a = left + tuple(partner[j] for j in sorted(summed_b))
    partner = dict(zip(summed_a, summed_b))
    order_b = tuple(partner[i] for i in sorted(summed_a)) + right
    return _ordered(back_a, order_a), _ordered(back_b, order_b)


def _eval(a: Array, b: Array, *, axes: Pair) -> Array:
    """By `@`, which stops where an element of its own kind raises; np.dot doesn't."""
    left, right = _rest(a.ndim, axes[0]), _rest(b.ndim, axes[1])
    rows = int(np.prod([a.shape[i] for i in left], dtype=int))
    columns = int(np.prod([b.shape[j] for j in right], dtype=int))
    inner = int(np.prod([a.shape[i] for i in axes[0]], dtype=int))
    first = a.transpose(left + axes[0]).reshape(rows, inner)
    second = b.transpose(axes[1] + right).reshape(inner, columns)
    product: Array = first @ second
    result: Array = product.reshape((*(a.shape[i] for i in left), *(b.shape[j] for j in right)))
    return result


def _py(node: Node, d: DimText) -> str:
    first, second = node["axes"]
    rank, count = node.args[0].rank, len(first)
    if first == tuple(range(rank - count, rank)) and second == tuple(range(count)) and count != 1:
        return f"np.tensordot(a, b, {count})"
    if count == 1:
        return f"np.tensordot(a, b, ({first[0]}, {second[0]}))"
    return f"np.tensordot(a, b, ({first}, {second}))"


def _flops(node: Node) -> Dim:
    return 2 * size_of(node.shape) * size_of(tuple(node.args[0].shape[i] for i in node["axes"][0]))


tensordot = declare(
    Op(
        "tensordot",
        ("a", "b"),
        "Products of elements of two arrays, summed over pairs of axes.",
        _infer,
        _eval,
        _vjp,
        py=_py,
        coerce=COERCIONS["number"],
        linear="each",
        work="product",
        flops=_flops,
    )
)
