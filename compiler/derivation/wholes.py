"""Ops in matrix notation: products, transposes, inverses, sums of rows, and functions of whole arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ir import Node
from ..types import Dim
from .algebra import added, negated, quotient, times
from .functions import SAME, call
from .moves import MOVES
from .reader import NeedsIndices, Reader
from .tree import Call, Element, Formula, Indicator, Inverse, Total, Transpose

Whole = Callable[[Reader, Node], Formula]
WHOLES: dict[str, Whole] = {}


def transposed(matrix: Formula) -> Formula:
    return matrix.matrix if isinstance(matrix, Transpose) else Transpose(matrix)


def _transpose(reader: Reader, node: Node) -> Formula:
    if node["axes"] != (1, 0):
        raise NeedsIndices
    inner = reader.resolved(node.args[0])
    if inner.op.name == "matmul" and inner not in reader.symbols and all(a.rank == 2 for a in inner.args):
        a, b = (reader.proper(x) for x in inner.args)
        return times(transposed(b), transposed(a), way="matrix")
    return transposed(reader.proper(inner))


def _matmul(reader: Reader, node: Node) -> Formula:
    a, b = node.args
    if a.rank > 2 or b.rank > 2:
        raise NeedsIndices
    left, right = reader.proper(a), reader.proper(b)
    if a.rank == 1:  # x @ W is Wᵀ x, with columns
        return times(transposed(right), left, way="matrix")
    return times(left, right, way="matrix")


def _outer(reader: Reader, node: Node) -> Formula:
    a, b = (reader.proper(x) for x in node.args)
    return times(a, transposed(b), way="matrix")


def _rows_total(reader: Reader, node: Node) -> Formula:
    """Σ over the first axes of a value with a name: a sum of its rows."""
    axes, x = node["axis"], reader.resolved(node.args[0])
    if node["keepdims"] or axes != tuple(range(len(axes))) or x not in reader.symbols:
        raise NeedsIndices
    with reader.bound([x.shape[a] for a in axes]) as indices:
        return Total(indices, Element(reader.symbols[x], indices))


def _row(reader: Reader, node: Node) -> Formula:
    """A row (or a matrix, …) of an array: all of its later axes whole."""
    x, *arrays = node.args
    first, *rest = node["index"]
    if first[0] not in ("at", "array") or any(item[0] != "slice" for item in rest):
        raise NeedsIndices
    if any(item[1:] != (Dim.of(0), dim, 1) for item, dim in zip(rest, x.shape[1:])) or any(
        a.rank for a in arrays
    ):
        raise NeedsIndices
    step = reader.element(arrays[0], ()) if arrays else reader.position(first[1])
    return reader.row(x, step)


def _solve(reader: Reader, node: Node) -> Formula:
    a, b = node.args
    if b.rank > 2 or a.rank > 2:
        return reader.function(node)
    return times(Inverse(reader.operand(a)), reader.operand(b), way="matrix")


def _solve_triangular(reader: Reader, node: Node) -> Formula:
    a, b = node.args
    if b.rank > 2 or a.rank > 2 or node["unit"]:
        return reader.function(node)
    matrix = reader.operand(a)
    if reader.resolved(a).op.name != "cholesky":  # one triangle is read, the other may hold anything
        matrix = Call("tril" if node["lower"] else "triu", (matrix,), (), _triangle(node["lower"]))
    return times(Inverse(matrix, node["transposed"]), reader.operand(b), way="matrix")


def _triangle(lower: bool) -> Callable[..., object]:
    import numpy as np

    def run(sizes: object, x: Any) -> object:
        return np.tril(x) if lower else np.triu(x)

    return run


def _inv(reader: Reader, node: Node) -> Formula:
    return Inverse(reader.operand(node.args[0])) if node.rank == 2 else reader.function(node)


def _along(name: str) -> Whole:
    """A function along an axis, which is told where it is not the last."""

    def rule(reader: Reader, node: Node) -> Formula:
        axis = node["axis"]
        axes = axis if isinstance(axis, tuple) else (axis,)
        last = axes == (node.args[0].rank - 1,)
        return reader.function(node, () if last else (f"axis={', '.join(map(str, axes))}",))

    return rule


def _plain(reader: Reader, node: Node) -> Formula:
    return reader.function(node, ())


def _same(reader: Reader, node: Node) -> Formula:
    inner = reader.whole(node.args[0])
    return Indicator(inner) if node.op.name == "to_real" and node.args[0].type.kind == "bool" else inner


def _decrement(reader: Reader, node: Node) -> Formula:
    p, *arrays = node.args
    if p.rank != 2 or len(arrays) != 2 or reader.resolved(arrays[0]).op.name != "arange":
        raise NeedsIndices
    labels = reader.proper(arrays[1])
    return added(reader.proper(p), negated(Call("onehot", (labels,), (), _one_hot(p.shape[1]))))


def _one_hot(count: Dim) -> Callable[..., object]:
    import numpy as np

    def run(sizes: dict[str, int], labels: object) -> object:
        return np.eye(count.evaluate(sizes))[np.asarray(labels)]

    return run


def _reshape(reader: Reader, node: Node) -> Formula:
    raise NeedsIndices


def _mean(reader: Reader, node: Node) -> Formula:
    count = Dim.of(1)
    for axis in node["axis"]:
        count = count * node.args[0].shape[axis]
    return quotient(_rows_total(reader, node), reader.position(count))


def _diag(reader: Reader, node: Node) -> Formula:
    if node["k"] != 0:
        return reader.function(node)
    return call(node, [reader.operand(node.args[0])])


def _eye(reader: Reader, node: Node) -> Formula:
    if node["k"] != 0 or node.shape[0] != node.shape[1]:
        return reader.function(node)
    return Call("I", (), (), call(node, ()).run)


def _indices(reader: Reader, node: Node) -> Formula:
    raise NeedsIndices


WHOLES.update(
    {
        "transpose": _transpose,
        "matmul": _matmul,
        "outer": _outer,
        "sum": _rows_total,
        "mean": _mean,
        "gather": _row,
        "getitem": _row,
        "solve": _solve,
        "solve_triangular": _solve_triangular,
        "inv": _inv,
        "softmax": _along("softmax"),
        "log_softmax": _along("log softmax"),
        "exp_share": _along("softmax"),
        "decrement": _decrement,
        "reshape": _reshape,
        "cross_entropy": _plain,
        "cross_entropy_probs": _plain,
        "cholesky": _plain,
        "one_hot": _plain,
        "diagonal": _diag,
        "put_diagonal": _diag,
        "diag": _diag,
        "tril": _diag,
        "triu": _diag,
        "eye": _eye,
    }
)
WHOLES.update(dict.fromkeys(SAME, _same))
for _name in (
    *(
        "broadcast_to",
        "einsum",
        "contract",
        "tensordot",
        "max",
        "min",
        "prod",
        "logsumexp",
        "norm",
        "scatter_add",
        "put",
    ),
    *(
        "patches",
        "fold",
        "set_at",
        "add_at",
        "arange",
        "where",
        "stack",
    ),
    *MOVES,
):
    WHOLES[_name] = _indices
