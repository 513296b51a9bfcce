"""Products with a transposed matrix, in every step of a loop or with each matrix of a stack (-O2).

    U.T @ h     ->     _times(U.T, h)

BLAS computes a product with few columns at half its speed, and reads a large matrix anew for each of a stack.
So the routine chooses at run time: of a large matrix it computes (hᵀ @ U)ᵀ.
"""

from __future__ import annotations

from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node, NonDiff, Op

times = Op(
    "times",
    ("a", "b"),
    "The product of a matrix and another one, or each of a stack.",
    ops.matmul.infer,
    ops.matmul.eval,
    NonDiff("it is made after differentiation"),
    py="_times(a, b)",
    linear="each",
    work="product",
    flops=ops.matmul.flops,
)


def for_large(graph: Graph, repeated: bool = False) -> Graph:
    """The graph with such products; `repeated`: it is the body of a loop."""
    if ops.matmul not in graph.ops or ops.transpose not in graph.ops:
        return graph

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        new = node.with_args(args)
        if _is_turned(new) and (new.args[1].rank == 3 or repeated):
            return times(*args)
        inner = repeated or node.op is ops.loop
        return new.map_subgraphs(lambda body: for_large(body, inner))

    return graph.rewrite(step)


def _is_turned(node: Node) -> bool:
    """Whether it is a product of what is given, transposed, and matrices."""
    if node.op is not ops.matmul or node.args[0].op is not ops.transpose:
        return False
    first, second = node.args
    return first.rank == 2 and first.args[0].op.name == "argument" and second.rank in (2, 3)
