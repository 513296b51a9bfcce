"""Products and systems of equations of all steps of a loop at once.

matmul(h, W)     of h: real[T, B, D], W as it is       the product of h as real[T*B, D] with W
solve(A, b)      of b: real[T, N], A as it is          solve(A, bᵀ)ᵀ: one factorisation
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_letters

from .. import ops
from ..ir import Node
from ..ops.shape import swap_last
from ..types import Dim, Shape, size_of
from .operands import ONE, Operand, Rule, again, flat, ranked, steps_first, with_axis


def _matmul(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    a, b = operands
    known = None
    if a.stacked and b.stacked:
        known = _rows_by_rows(a.node, b.node) if a.rank == b.rank == 1 else None
    elif a.stacked:
        known = _by_one(node, a, b.node, length)
    else:
        known = _one_by(a.node, b)
    return _as_matrices(node, a, b, length) if known is None else known


def _rows_by_rows(x: Node, y: Node) -> Node:
    return ops.sum(x * y, axis=(1,), keepdims=False)


def _by_one(node: Node, a: Operand, b: Node, length: Dim) -> Node | None:
    """The rows of all steps times what is the same in each."""
    if a.rank > 1 and b.rank == 2:
        return ops.reshape(flat(a.node, 1) @ b, shape=(length, *node.shape))
    return a.node @ b if b.rank <= 2 else None


def _one_by(a: Node, b: Operand) -> Node | None:
    """What is the same in each step times the columns of all steps."""
    if b.rank == 1:
        return b.node @ swap_last(a) if a.rank == 2 else b.node @ a if a.rank == 1 else None
    return a @ b.node if a.rank <= 2 else None


def _as_matrices(node: Node, a: Operand, b: Operand, length: Dim) -> Node:
    """Vectors as matrices of one row or one column, and NumPy's stacks of products."""
    left = Operand(_with_one(a, -2), a.stacked) if a.rank == 1 else a
    right = Operand(_with_one(b, -1), b.stacked) if b.rank == 1 else b
    rank = max(left.rank, right.rank)
    product = ranked(left, rank) @ ranked(right, rank)
    shape = (length, *node.shape)
    return product if product.shape == shape else ops.reshape(product, shape=shape)


def _with_one(vector: Operand, axis: int) -> Node:
    *lead, size = vector.node.shape
    pair = (ONE, size) if axis == -2 else (size, ONE)
    return ops.reshape(vector.node, shape=(*lead, *pair))


def _outer(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    a, b = operands
    left = ops.reshape(a.node, shape=(*a.node.shape, ONE))
    right = ops.reshape(b.node, shape=(*b.node.shape[:-1], ONE, b.node.shape[-1]))
    return left * right


def _tensordot(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    a, b = operands
    first, second = node["axes"]
    if a.stacked and b.stacked:
        return _tensordot_both(node, a.node, b.node, length)
    if a.stacked:
        return again(node, a.node, b.node, axes=(tuple(i + 1 for i in first), second))
    product = again(node, a.node, b.node, axes=(first, tuple(i + 1 for i in second)))
    return steps_first(product, a.node.rank - len(first))


def _tensordot_both(node: Node, a: Node, b: Node, length: Dim) -> Node:
    """A product of matrices for each step."""
    summed_a, summed_b = (tuple(i + 1 for i in axes) for axes in node["axes"])
    left = tuple(i for i in range(1, a.rank) if i not in summed_a)
    right = tuple(i for i in range(1, b.rank) if i not in summed_b)
    rows = _merged(a, left, summed_a)
    columns = _merged(b, summed_b, right)
    return ops.reshape(rows @ columns, shape=(length, *node.shape))


def _merged(x: Node, first: tuple[int, ...], second: tuple[int, ...]) -> Node:
    """The steps, then one axis for each group."""
    ordered = ops.transpose(x, axes=(0, *first, *second))
    sizes = [size_of(tuple(x.shape[i] for i in group)) for group in (first, second)]
    return ops.reshape(ordered, shape=(x.shape[0], *sizes))


def _einsum(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    """A letter more for the steps."""
    terms, _, result = node["spec"].partition("->")
    step = next((c for c in ascii_letters if c not in node["spec"]), None)
    if step is None:
        return None
    inputs = (step * o.stacked + term for o, term in zip(operands, terms.split(",")))
    return again(node, *(o.node for o in operands), spec=f"{','.join(inputs)}->{step}{result}")


# --- equations ---------------------------------------------------------------------------------------


def _solve(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    a, b = operands
    if a.stacked or a.rank > 2:
        return _solve_each(node, a, b, length) if a.rank == 2 >= b.rank else None
    if b.rank == 1:
        return swap_last(again(node, a.node, swap_last(b.node)))
    return _solve_columns(node, a.node, b.node) if b.rank == 2 else None


def _solve_each(node: Node, a: Operand, b: Operand, length: Dim) -> Node:
    """A system of its own in each step."""
    columns = _with_one(b, -1) if b.rank == 1 else b.node
    return ops.reshape(again(node, a.node, columns), shape=(length, *node.shape))


def _solve_columns(node: Node, a: Node, b: Node) -> Node:
    """The columns of all steps side by side."""
    length, rows, columns = b.shape
    side_by_side = ops.reshape(ops.transpose(b, axes=(1, 0, 2)), shape=(rows, length * columns))
    solved: Shape = (rows, length, columns)
    return ops.transpose(ops.reshape(again(node, a, side_by_side), shape=solved), axes=(1, 0, 2))


def _each(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    """Ops that take stacks of matrices."""
    return again(node, *(with_axis(o, length) for o in operands))


MATRICES = (
    "inv", "cholesky", "tril", "triu", "det", "det_sign", "log_abs_det", "log_det", "cofactors",
    "cofactors_adjoint",
)  # fmt: skip
PRODUCT_RULES: Mapping[str, Rule] = {
    "matmul": _matmul,
    "outer": _outer,
    "tensordot": _tensordot,
    "einsum": _einsum,
    "contract": _einsum,
    "solve": _solve,
    "solve_triangular": _solve,
    **dict.fromkeys(MATRICES, _each),
}
