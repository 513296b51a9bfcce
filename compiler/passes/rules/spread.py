"""Products and sums of what is the same all along an axis: there a product is one of less.

    x.T @ broadcast_to(v, (N, K))             →   sum(x, axis=0)[:, None] * v
    x.T @ broadcast_to(v[:, None], (N, K))    →   broadcast_to(x.T @ v[:, None], (D, K))
    sum(broadcast_to(v, (N, K)), axis=0)      →   v * N

BLAS would want a copy in which all elements are there. What mean pooling hands back is of this kind. The sums
are added up in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from autodiffc.grammar.records import record

from ... import ops
from ...ir import Node, const_value
from ...ops.shape import swap_last
from ...types import Dim, Shape, size_of

ONE = Dim.of(1)


@record(frozen=True)
class Spread:
    """An array that repeats the elements of a smaller one, of the same rank.

    `parts` are the axes that were merged to each of its own; they have the lengths `shape`, or those of
    `core` where the elements don't repeat.
    """

    small: Node
    core: Shape
    shape: Shape
    parts: tuple[range, ...]

    def repeated(self, axis: int) -> list[int]:
        """Those parts of an axis along which the elements are the same."""
        return [a for a in self.parts[axis] if self.core[a] != self.shape[a]]


def _spread(node: Node) -> Spread | None:
    """What a node repeats, seen through axes that are turned, merged, and turned again."""
    turned, inner = _untransposed(node)
    turned, node = (turned, inner) if inner.op is ops.reshape else (range(node.rank), node)
    shape = node.shape
    node = node.args[0] if node.op is ops.reshape else node
    parts = _merged(node.shape, shape)
    order, node = _untransposed(node)
    if parts is None or node.op is not ops.broadcast_to or node.type.kind != "real":
        return None
    (core,), wide = node.args, node.shape
    core = _transposed(reshaped(core, (*(ONE,) * (len(wide) - core.rank), *core.shape)), order)
    small = reshaped(core, tuple(size_of(tuple(core.shape[a] for a in part)) for part in parts))
    wide = tuple(wide[a] for a in order)
    return Spread(_transposed(small, turned), core.shape, wide, tuple(parts[a] for a in turned))


def _untransposed(node: Node) -> tuple[Sequence[int], Node]:
    """The axes of a transpose, and what it is of."""
    return (node["axes"], node.args[0]) if node.op is ops.transpose else (range(node.rank), node)


def _merged(old: Shape, new: Shape) -> tuple[range, ...] | None:
    """The old axes that make each new one; None where an old one is split."""
    parts, at = [], 0
    for size in new:
        end = at + 1
        while end < len(old) and size_of(old[at:end]) != size:
            end += 1
        parts.append(range(at, end))
        at = end
    fits = at == len(old) and all(size_of(tuple(old[a] for a in part)) == s for part, s in zip(parts, new))
    return tuple(parts) if fits else None


def product_of_equals(node: Node) -> Node | None:
    """A product of matrices, or stacks of them, with a factor that repeats its elements."""
    if min(arg.rank for arg in node.args) < 2:
        return None
    for side in (0, 1):
        found = _spread(node.args[side])
        product = None if found is None else _product(node, side, found)
        if product is not None:
            return product
    return None


def _product(node: Node, side: int, spread: Spread) -> Node | None:
    """The product of what is repeated, repeated."""
    factor, other = node.args[side], node.args[1 - side]
    free, summed = (factor.rank - 2, factor.rank - 1)[:: 1 - 2 * side]
    same, batch = spread.repeated(summed), range(factor.rank - 2)
    alike = any(spread.repeated(a) and _is_one(other, a - factor.rank) for a in batch)
    if any(len(spread.parts[a]) != 1 for a in batch) or not (same or alike or spread.repeated(free)):
        return None
    if same:
        dims = [spread.shape[a] for a in spread.parts[summed]]
        first = spread.parts[summed][0]
        other = _summed(other, other.rank - 1 if side else other.rank - 2, dims, [a - first for a in same])
    small = spread.small
    if all(n == ONE for n in small.shape[:-2]):
        small = reshaped(small, small.shape[-2:])
    if spread.small.shape[summed] == ONE:
        product = _by_column(other, small)
    else:
        product = other @ small if side else small @ other
    split, wide = (
        (*shape[: side - 2], *(lengths[a] for a in spread.parts[free]), *shape[len(shape) - 1 + side :])
        for shape, lengths in ((product.shape, spread.core), (node.shape, spread.shape))
    )
    whole = reshaped(product, split)
    return reshaped(whole if split == wide else ops.broadcast_to(whole, shape=wide), node.shape)


def _summed(x: Node, axis: int, dims: Sequence[Dim], same: Sequence[int]) -> Node:
    """The sum over those of the dims that an axis is made of which the other factor repeats."""
    swapped = (*range(x.rank - 2), x.rank - 1, x.rank - 2)
    if x.op is ops.transpose and x["axes"] == swapped:
        return swap_last(_summed(x.args[0], swapped[axis], dims, same))
    wide = reshaped(x, (*x.shape[:axis], *dims, *x.shape[axis + 1 :]))
    total = ops.sum(wide, axis=tuple(axis + a for a in same), keepdims=False)
    left = size_of(tuple(d for a, d in enumerate(dims) if a not in same))
    return reshaped(total, (*x.shape[:axis], left, *x.shape[axis + 1 :]))


def sum_of_equals(node: Node) -> Node | None:
    """A sum of what is repeated is what is summed once, times their number; of one number it rounds once."""
    inner = node.args[0]
    if inner.op is not ops.broadcast_to or node.type.kind != "real":
        return None
    core, before = inner.args[0], inner.rank - inner.args[0].rank
    repeated = [a for a in node["axis"] if a < before or core.shape[a - before] != inner.shape[a]]
    if not repeated:
        return None
    rest = tuple(a - before for a in node["axis"] if a not in repeated)
    total = ops.sum(core, axis=rest, keepdims=True) if rest else core
    total = total * ops.dim_value(size_of(tuple(inner.shape[a] for a in repeated)))
    lengths = chain((ONE,) * before, total.shape)
    left = tuple(d for a, d in enumerate(lengths) if node["keepdims"] or a not in node["axis"])
    total = reshaped(total, left) if core.rank else total
    return total if total.shape == node.shape else ops.broadcast_to(total, shape=node.shape)


def _by_column(other: Node, small: Node) -> Node:
    """The product of a column and a row, which needs no sum, or with a number."""
    number = small.args[0] if small.op is ops.reshape and not small.args[0].rank else None
    return other if number is not None and const_value(number) == 1.0 else other * (number or small)


def _is_one(x: Node, axis: int) -> bool:
    """Whether x has no such axis, counted from its last one, or one of length 1."""
    return x.rank < -axis or x.shape[axis] == ONE


def reshaped(x: Node, shape: Shape) -> Node:
    """x in another shape, of which x itself may be a view."""
    while x.op is ops.reshape:
        x = x.args[0]
    return x if x.shape == shape else ops.reshape(x, shape=shape)


def _transposed(x: Node, axes: Sequence[int]) -> Node:
    return x if list(axes) == sorted(axes) else ops.transpose(x, axes=tuple(axes))
