"""What the results of computing ops depend on: reductions, scans, products, equations.

    s = softmax(x, axis=1)     Part(node, (0, 1))  →  what is left of it when axis 1 is merged
    y = a @ b                  axes are letters: a is "ij", b is "jk", and what the result lacks is merged

An op without a rule (and not elementwise) depends on every element of its arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .. import ops
from ..ir import Node
from ..ops.indexing import whole
from .index_sets import ONE, Part
from .sparsity_moves import RULES, Knows, Rule, aligned, along_axis, rule_of
from .sparsity_order import in_triangle

Letters = tuple[int, ...]


def rule_for(node: Node) -> Rule:
    """How a node's result depends on what its arguments depend on."""
    if node.op.elementwise:
        return aligned
    return RULES.get(node.op.name, everything)


def everything(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    """Each element of the result depends on all elements of the argument."""
    return walk.sets.merged(part, part.axes)


# --- along axes ----------------------------------------------------------------------------------


def _axes(node: Node) -> tuple[int, ...]:
    axis = node["axis"]
    return (axis,) if isinstance(axis, int) else tuple(axis)


@rule_of("sum", "mean", "prod", "max", "min", "max_shift", "norm", "centred_squares", "var", "std")
@rule_of("logsumexp", "tight_logsumexp")
def _reduced(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    axes = _axes(node)
    kept = [axis for axis in range(node.args[0].rank) if axis not in axes]
    found = walk.sets.merged(part, axes)
    return found if node["keepdims"] else [p.on(kept.index) for p in found]


@rule_of("softmax", "log_softmax", "tight_log_softmax", "exp_share", "normalize")
def _normalised(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    return walk.sets.merged(part, _axes(node))


@rule_of("cross_entropy", "tight_cross_entropy", "cross_entropy_probs")
def _classes(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    """Classes are on the last axis, which the result lacks."""
    rank = node.args[k].rank
    return [p.on(lambda axis: axis + node.rank + 1 - rank) for p in walk.sets.merged(part, [rank - 1])]


@rule_of("cumsum", "cumprod", "exclusive_cumprod", "linear_scan")
def _scan(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    own = node.op in (ops.cumsum, ops.cumprod)
    return [up_to(walk, part, node["axis"], bool(node.get("reverse")), own)]


def up_to(walk: Knows, part: Part, axis: int, reverse: bool, own: bool) -> Part:
    """For each place along an axis the positions of those before it (after, if `reverse`), its `own` too."""
    if axis not in part.axes:
        return part
    sets, at, count = walk.sets, part.axes.index(axis), len(part.axes)
    others = [i for i in range(count) if i != at]
    length = part.node.shape[at]
    lead = tuple(part.node.shape[i] for i in others)
    row = sets.reshaped(sets.transposed(part.node, (*others, at, count)), (*lead, ONE, length, part.width))
    here, there = (along_axis(sets, length, i, 3) for i in (0, 1))
    first, second = (here, there) if reverse else (there, here)
    found = sets.make(
        ops.where, sets.make(ops.less_equal if own else ops.less, first, second), row, ops.const(0)
    )
    shape = (*lead, length, length * part.width)
    return Part(sets.reshaped(found, shape), (*(part.axes[i] for i in others), axis))


# --- products ------------------------------------------------------------------------------------


def letters_of(node: Node) -> tuple[list[Letters], Letters] | None:
    """The letters of the axes of a product's operands and of its result; None if it is no product."""
    if node.op in (ops.einsum, ops.contract):
        left, _, right = node["spec"].partition("->")
        return [tuple(map(ord, term)) for term in left.split(",")], tuple(map(ord, right))
    ranks = [arg.rank for arg in node.args]
    if node.op is ops.outer:
        return [(0,), (1,)], (0, 1)
    if node.op is ops.tensordot:
        return _tensordot_letters(ranks, node["axes"])
    return _matmul_letters(*ranks) if node.op is ops.matmul else None


def _tensordot_letters(ranks: Sequence[int], axes: Sequence[Letters]) -> tuple[list[Letters], Letters]:
    pairs = dict(zip(axes[1], axes[0]))
    first = tuple(range(ranks[0]))
    second = tuple(pairs.get(i, ranks[0] + i) for i in range(ranks[1]))
    kept = tuple(i for i in first if i not in axes[0])
    return [first, second], kept + tuple(i for i in second if i >= ranks[0])


def _matmul_letters(a: int, b: int) -> tuple[list[Letters], Letters]:
    """Rows are -3, columns -1, what is summed -2; the axes of a batch are counted from the last."""
    batch = max(a, b, 2) - 2

    def stack(rank: int) -> Letters:
        return tuple(batch - (rank - 2) + i for i in range(rank - 2))

    first = (*stack(a), -3, -2) if a > 1 else (-2,)
    second = (*stack(b), -2, -1) if b > 1 else (-2,)
    rows, columns = (-3,) * (a > 1), (-1,) * (b > 1)
    return [first, second], (*range(batch), *rows, *columns)


def in_letters(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    """The part along letters; of an operand that has a letter twice, its diagonal."""
    found = letters_of(node)
    assert found is not None
    letters = found[0][k]
    for letter in letters:
        twice = [axis for axis in part.axes if letters[axis] == letter]
        if len(twice) > 1:
            part = _on_diagonal(walk, part, twice)
    return [part.on(letters)]


def _on_diagonal(walk: Knows, part: Part, axes: Sequence[int]) -> Part:
    """The elements whose places along these axes are the same, along the first of them."""
    sets = walk.sets
    at = [i for i, axis in enumerate(part.axes) if axis in axes]
    others = [i for i in range(len(part.axes)) if i not in at]
    node = sets.transposed(part.node, (*at, *others, len(part.axes)))
    steps = along_axis(sets, node.shape[0], 0, 1)
    index = (*(("array", j) for j in range(len(at))), *map(whole, node.shape[len(at) :]))
    found = sets.make(ops.gather, node, *(steps for _ in at), index=index)
    return Part(found, (axes[0], *(part.axes[i] for i in others)))


@rule_of("matmul", "outer", "einsum", "contract", "tensordot")
def _product(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    found = letters_of(node)
    assert found is not None
    result = found[1]
    parts = in_letters(walk, node, k, part)
    merged = [p for one in parts for p in walk.sets.merged(one, set(one.axes) - set(result))]
    return [p.on(result.index) for p in merged]


# --- matrices ------------------------------------------------------------------------------------


@rule_of("inv", "cofactors", "det", "det_sign", "log_abs_det", "log_det")
def _matrix(walk: Knows, node: Node, k: int, part: Part) -> Iterable[Part]:
    """Each element depends on the whole matrix; each matrix of a stack on its own."""
    rank = node.args[k].rank
    return walk.sets.merged(part, (rank - 2, rank - 1))


@rule_of("cholesky")
def _cholesky(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    """As with every matrix, but nothing above the diagonal."""
    found = _matrix(walk, node, k, part)
    return [in_triangle(walk.sets, p, node.shape, ops.less_equal, 0) for p in found]


@rule_of("solve")
def _solve(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    """The whole matrix, and of the right-hand sides the own column."""
    arg, columns = node.args[k], node.args[1].rank > 1
    gone = (arg.rank - 1, arg.rank - 2) if not k else (arg.rank - 2,) if columns else (arg.rank - 1,)
    shift = _batch_shift(node, k)
    return [p.on(lambda axis: axis + shift) for p in walk.sets.merged(part, gone)]


def _batch_shift(node: Node, k: int) -> int:
    """By how much the axes of a batch are further back in a solution than in an argument."""
    columns = node.args[1].rank > 1
    return node.rank - node.args[k].rank + (0 if columns or k else 1)


@rule_of("solve_triangular")
def _substituted(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    """As the rows are solved one after the other: those before, and of the matrix their triangle."""
    shift, arg, rows = _batch_shift(node, k), node.args[k], node.rank - (2 if node.args[1].rank > 1 else 1)
    downwards = node["lower"] != node["transposed"]
    if k:
        return [up_to(walk, part.on(lambda axis: axis + shift), rows, not downwards, True)]
    compare, edge = (ops.less_equal, -1) if node["lower"] else (ops.greater_equal, 1)
    used = in_triangle(walk.sets, part, arg.shape, compare, edge if node["unit"] else 0)
    across = arg.rank - (2 if node["transposed"] else 1)
    along = walk.sets.merged(used, [across])
    moved = [p.on(lambda axis: rows if axis >= arg.rank - 2 else axis + shift) for p in along]
    return [up_to(walk, p, rows, not downwards, True) for p in moved]


@rule_of("trace")
def _trace(walk: Knows, node: Node, k: int, part: Part) -> list[Part]:
    x, offset = node.args[0], node.get("k") or 0
    diagonal = ops.diagonal(x, k=offset)
    return [p for one in RULES["diagonal"](walk, diagonal, 0, part) for p in walk.sets.merged(one, [0])]
