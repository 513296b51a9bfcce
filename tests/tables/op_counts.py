"""What a graph costs: its operations, each counted as often as it is done for elements of an array.

An operation on the elements of arrays counts once for each element of the result, a sum once for each
element of its argument, a product of matrices once for each multiplication and each addition; what copies
or scatters elements once for each of them. Views, constants and dims are free. A loop costs its steps, a branch
its dearer side.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import Dim, Type
>>> N = Dim.symbol("N")
>>> x = ops.argument("x", Type("real", (N,)))
>>> operations(Graph((x,), (("y", ops.sum(2.0 * x + 1.0, axis=(0,), keepdims=False)),)), {"N": 10})
30
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.control import is_local
from autodiffc.compiler.types import Dim

FREE = frozenset({
    "argument", "const", "dim", "item", "reshape", "transpose", "broadcast_to", "getitem", "flip", "diagonal",
    "undefined", "detached", "columns", "after", "check", "to_real", "to_int", "arange",
})  # fmt: skip
STEPS = 10  # of a loop of which only run time knows how many there are
Sizes = Mapping[str, int]


def operations(graph: Graph, sizes: Sizes) -> int:
    """What all nodes that the outputs need cost together."""
    return sum(cost(node, sizes) for node in graph.nodes())


def cost(node: Node, sizes: Sizes) -> int:
    """What one node costs; of a loop or a branch, with its bodies."""
    name = node.op.name
    if name == "loop":
        return _evaluated(node["length"], sizes) * sum(operations(body, sizes) for body in node.subgraphs())
    if name == "branch":
        return max(operations(side, sizes) for side in node.subgraphs())
    if name in FREE or _is_row(node):
        return 0
    return _products(node, sizes) or _linear_algebra(node, sizes) or _elements(node, sizes)


def _is_row(node: Node) -> bool:
    """Whether it only shows what an array holds at a position."""
    return node.op.name == "gather" and all(not a.rank for a in node.args[1:])


def _elements(node: Node, sizes: Sizes) -> int:
    """The elements of the result or, where these are fewer, of what they are made of; of updates the news."""
    if node.op.name in ("set_at", "add_at"):
        return _size(node.args[1], sizes)
    if node.op.elementwise:
        return _size(node, sizes)
    return max([_size(node, sizes), *(_size(a, sizes) for a in node.args if a.type.kind == "real")])


def _products(node: Node, sizes: Sizes) -> int:
    """Twice the multiplications."""
    name = node.op.name
    if name == "matmul":
        return 2 * _size(node, sizes) * _evaluated(node.args[0].shape[-1], sizes)
    if name == "tensordot":
        summed = [node.args[0].shape[i] for i in node["axes"][0]]
        return 2 * _size(node, sizes) * prod(_evaluated(d, sizes) for d in summed)
    if name in ("einsum", "contract"):
        terms = node["spec"].split("->")[0].split(",")
        letters = {c: d for term, a in zip(terms, node.args) for c, d in zip(term, a.shape)}
        return len(terms) * prod(_evaluated(d, sizes) for d in letters.values())
    return 0


def _linear_algebra(node: Node, sizes: Sizes) -> int:
    """By the cube of the rows for a factorisation, by the square for each right-hand side."""
    factored = ("solve", "inv", "cholesky", "det", "slogdet", "log_det", "log_abs_det", "cofactors")
    if node.op.name in factored:
        return _size(node.args[0], sizes) * _evaluated(node.args[0].shape[-1], sizes)
    if node.op.name == "solve_triangular":
        return _size(node, sizes) * _evaluated(node.args[0].shape[-1], sizes)
    return 0


def _size(node: Node, sizes: Sizes) -> int:
    return prod(_evaluated(dim, sizes) for dim in node.shape)


def _evaluated(dim: Dim, sizes: Sizes) -> int:
    return STEPS if is_local(dim) or not dim.symbols <= sizes.keys() else max(dim.evaluate(sizes), 1)
