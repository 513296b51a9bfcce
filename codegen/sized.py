"""Products whose best form hangs on sizes: with a transposed matrix in loops, and those of stacks (-O2).

    U.T @ h       of a large U, in a loop or with each matrix of a stack     (hᵀ @ U)ᵀ
    x @ W         of x: real[B, N, D], W small                               of x as real[B*N, D]
    x @ v         of x: real[B, N, D], v a vector                            the same, always

BLAS computes a product with few columns at half its speed, and reads a large matrix anew for each of a stack.
NumPy calls it once for each matrix of a stack, which for small ones takes longer than the work; from some
size on BLAS is quicker with matrices one by one. Where the sizes are not known the routine chooses.
"""

from __future__ import annotations

from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node, NonDiff, Op
from autodiffc.compiler.passes.cse import Interner
from autodiffc.compiler.types import size_of

SMALL = 4096  # multiplications of a matrix of a stack, as in `_times`

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


def for_sizes(graph: Graph, repeated: bool = False) -> Graph:
    """The graph with products in such forms; `repeated`: it is the body of a loop."""
    if ops.matmul not in graph.ops and not graph.bodies:
        return graph
    intern = Interner()

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        inner = repeated or node.op is ops.loop
        new = intern(node.with_args(args).map_subgraphs(lambda body: for_sizes(body, inner)))
        if new.op is not ops.matmul:
            return new
        if new.args[0].rank > 2 >= new.args[1].rank:
            return _of_stack(new, intern)
        is_large = _is_turned(new) and (new.args[1].rank == 3 or repeated)
        return times(*new.args) if is_large else new

    return graph.rewrite(step)


def _of_stack(node: Node, intern: Interner) -> Node:
    """A product of each matrix of a stack and a matrix or a vector."""
    stack, other = node.args
    work = (stack.shape[-2] * size_of(other.shape)).known
    if other.rank == 1 or (work is not None and 0 < work < SMALL):
        rows = (size_of(stack.shape[:-1]), stack.shape[-1])
        return intern(ops.reshape(intern(intern(ops.reshape(stack, shape=rows)) @ other), shape=node.shape))
    return times(stack, other) if work is None else node


def _is_turned(node: Node) -> bool:
    """Whether it is a product of what is given, transposed, and matrices."""
    if node.op is not ops.matmul or node.args[0].op is not ops.transpose:
        return False
    first, second = node.args
    return first.rank == 2 and first.args[0].op.name == "argument" and second.rank in (2, 3)
