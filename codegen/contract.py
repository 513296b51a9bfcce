"""Sums of products in tiles, without an array of the products (-O2).

    (p[:, :, None] * z).sum(axis=0)     ->     (p.T[:, None] @ z.swapaxes(0, -2))[:, 0]
    (z**2).sum(axis=2)                  ->     np.einsum("abc,abc->ab", z, z)
    (y * z).sum(axis=(0, 1))            ->     np.einsum("abc,abc->c", y, z)

A sum over the rows of a tile is a product of matrices, of one for each place along the axes that both factors
have. Where both have all axes, three or more, it is an einsum, as is a sum over the numbers of a row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.passes.rules.factors import scale_and_array
from autodiffc.compiler.passes.tile_regions import width_of
from autodiffc.compiler.types import Dim

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def contracted(graph: Graph) -> Graph:
    """The graph with contractions in its tiles."""
    if ops.tiled not in graph.ops:
        return graph
    return graph.rewrite(lambda node, args: _inside(node.with_args(args)), deep="contract")


def _inside(node: Node) -> Node:
    """Tiles with contractions, for which they are in less memory."""
    if node.op is not ops.tiled:
        return node
    body = _body(node["body"])
    attrs = {**dict(node.attrs), "body": body, "width": width_of(body, over=True)}
    return node if body is node["body"] else ops.tiled(*node.args, **attrs)


def _body(body: Graph) -> Graph:
    kept = {node for _, node in body.outputs}
    alone = {node for node, users in body.users.items() if len(users) == 1} - kept

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        found = _contraction(node, args[0]) if _is_sum(node, alone) else None
        return found or node.with_args(args)

    return body.rewrite(step)


def _is_sum(node: Node, alone: Collection[Node]) -> bool:
    """Whether it is all that reads a product of arrays, over axes of which it sums."""
    sums = node.op is ops.sum and node.type.kind == "real" and bool(node.rank)
    return sums and node.args[0].op in (ops.mul, ops.square) and node.args[0] in alone


def _contraction(node: Node, product: Node) -> Node | None:
    """The sum in another form; None where there is none that is quicker."""
    axis = node["axis"]
    factors = product.args if product.op is ops.mul else product.args * 2
    scales, factors = zip(*map(_scaled, factors))
    found = _matrix_product(factors, product, axis[0]) if [product.shape[i] for i in axis] == [TILE] else None
    if found is None:
        found = _einsum(factors, product, axis)
    if found is None:
        return None
    total = found if found.shape == node.shape else ops.reshape(found, shape=node.shape)
    for scale in filter(None, scales):
        total = scale * total
    return total


def _scaled(factor: Node) -> tuple[Node | None, Node]:
    """A number that scales an array, and the array."""
    found = scale_and_array(factor)
    return found if found is not None and found[1].shape == factor.shape else (None, factor)


def _einsum(factors: Sequence[Node], product: Node, axes: Sequence[int]) -> Node | None:
    """Of two arrays of the product's shape, over their rows or the numbers of these."""
    if product.rank < 3 or any(factor.shape != product.shape for factor in factors):
        return None
    if TILE not in [product.shape[i] for i in axes] and tuple(axes) != (product.rank - 1,):
        return None
    term = LETTERS[: product.rank]
    kept = "".join(letter for i, letter in enumerate(term) if i not in axes)
    return ops.contract(*factors, spec=f"{term},{term}->{kept}")


def _matrix_product(factors: Sequence[Node], product: Node, axis: int) -> Node | None:
    """Of matrices that have the summed axis in common; the rest of a factor are its own axes, or both's."""
    left, right = (_axes(factor, product) for factor in factors)
    if axis not in left or axis not in right:
        return None
    shared = [i for i in left if i in right and i != axis]
    rows, columns = ([i for i in own if i not in shared and i != axis] for own in (left, right))
    if len(rows) > 1 or len(columns) > 1 or not (rows or columns):
        return None
    first = _ordered(factors[0], left, [*shared, *rows, axis], product)
    second = _ordered(factors[1], right, [*shared, axis, *columns], product)
    if shared:
        first = first if rows else _with_one(first, len(shared))
        second = second if columns else _with_one(second, len(shared) + 1)
    order = [*shared, *rows, *columns]
    result = _reshaped(first @ second, tuple(product.shape[i] for i in order))
    if order == sorted(order):
        return result
    return ops.transpose(result, axes=tuple(map(order.index, sorted(order))))


def _axes(factor: Node, product: Node) -> list[int]:
    """The axes of the product along which a factor is not broadcast."""
    first = product.rank - factor.rank
    return [first + i for i, dim in enumerate(factor.shape) if dim.known != 1]


def _ordered(factor: Node, axes: list[int], order: list[int], product: Node) -> Node:
    """The factor without axes of 1, those that it has in this order."""
    flat = _reshaped(factor, tuple(product.shape[i] for i in axes))
    return flat if order == axes else ops.transpose(flat, axes=tuple(map(axes.index, order)))


def _reshaped(factor: Node, shape: tuple[Dim, ...]) -> Node:
    """What has an axis of 1 more or less was often made so just before."""
    plain = factor.args[0] if factor.op is ops.reshape else factor
    same = next((x for x in (factor, plain) if x.shape == shape), None)
    return same or ops.reshape(factor, shape=shape)


def _with_one(factor: Node, axis: int) -> Node:
    return ops.reshape(factor, shape=(*factor.shape[:axis], Dim.of(1), *factor.shape[axis:]))
