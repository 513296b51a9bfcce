"""Sums of products as inner products: no array of the products is made.

    sum(r**2)            ->     np.vdot(r, r)
    sum(g * exp_x)       ->     g @ exp_x            (in derivatives, where nothing else uses the product)

A model's own sum of squares is always written so, in every function alike: its value must not depend on
what else is computed.
"""

from __future__ import annotations

from collections.abc import Collection

from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node, NonDiff, Op, topological
from autodiffc.compiler.model import Derivative
from autodiffc.compiler.ops.shape import DimText
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import REAL, size_of

from .precision import adds_many


def _fast(node: Node, dims: DimText) -> str | None:
    """Rows of tiles may lie in memory column by column, and what is turned or a part in yet other orders."""
    x = node.args[0]
    if x.rank == 1:
        return "x.dot(y)"
    return "_inner(x, y)" if x.rank > 2 or TILE in x.shape[:-1] or x.op.view else None


inner = Op(
    "inner",
    ("x", "y"),
    "The sum of the products of all elements of two arrays of one shape.",
    lambda x, y: REAL,
    lambda x, y: (x * y).sum(),
    NonDiff("it is made after differentiation"),
    py=lambda node, d: "x @ y" if node.args[0].rank == 1 else "np.vdot(x, y)",
    fast=_fast,
    work="product",
    flops=lambda node: 2 * size_of(node.args[0].shape),
)


def fused(derivative: Derivative, dtype: str) -> Derivative:
    """The same graphs with inner products; in single precision none of many numbers."""
    values = frozenset(name for name, _ in derivative.forward.outputs)
    single = dtype == "float32"
    return derivative.mapped(
        lambda graph: _fused(graph, single, _apart(graph, values)) if ops.sum in graph.ops else graph
    )


def _apart(graph: Graph, values: Collection[str]) -> frozenset[Node]:
    """What the model's own values among the outputs do not need."""
    own = topological(node for name, node in graph.outputs if name in values)
    return frozenset(graph.nodes()) - frozenset(own)


def _fused(graph: Graph, precise: bool, apart: Collection[Node] = ()) -> Graph:
    single = {node for node, use in graph.users.items() if len(use) == 1}
    single -= {node for _, node in graph.outputs}

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        if node.op is not ops.sum or node.rank or node.type.kind != "real" or not node.args[0].rank:
            return node.with_args(args).map_subgraphs(lambda body: _fused(body, precise))
        if precise and adds_many(node):
            return node.with_args(args)
        summed, product = node.args[0], args[0]
        if product.op is ops.square:
            return inner(product.args[0], product.args[0])
        adjoint = all(o.adjoint for o in graph.origins.get(node, ())) and node in graph.origins
        if (
            product.op is ops.mul
            and summed in single
            and (adjoint or node in apart)
            and product.args[0].shape == product.args[1].shape
        ):
            return inner(*product.args)
        return node.with_args(args)

    return graph.rewrite(step)
