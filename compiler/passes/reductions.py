"""Which reduction a node is, whatever was done to its axes of length 1.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import Type
>>> N, K = Dim.symbol("N"), Dim.symbol("K")
>>> x = ops.argument("x", Type("real", (N, K)))
>>> total = ops.sum(x, axis=(1,), keepdims=False)
>>> [aligned for _, aligned in reductions(ops.reshape(total, shape=(N, Dim.of(1))), "sum")]
[True]
"""

from __future__ import annotations

from ..ir import OPS, Node, const_value
from ..types import Dim, Shape, size_of


def reductions(node: Node, name: str) -> list[tuple[Node, bool]]:
    """The reductions that a node is, seen through axes of length 1 and broadcasting.

    The flag says that it broadcasts against the reduced array as if it had kept its dims. What was
    reshaped to do neither that nor what the reduction itself does is not seen as one. A row's sum is
    also the column's of the transpose, against which it broadcasts: `(exp(x).T / exp(x).sum(axis=1)).T`.
    """
    outer = node.args[0] if node.op.name == "broadcast_to" else node
    plain = outer
    while plain.op.name == "reshape" or (plain.op.name == "getitem" and _inserts_axes(plain)):
        plain = plain.args[0]
    core = (_mean_of(plain) or plain) if plain.op.name == "div" and name == "mean" else plain
    if core.op.name != name:
        return []
    aligned = _broadcasts(core, outer)
    found = [(core, aligned)] if aligned or plain is node else []
    if not aligned and core.args[0].rank == 2 and len(core["axis"]) == 1:
        turned = OPS["transpose"](core.args[0], axes=(1, 0))
        other = core.op(turned, **{**dict(core.attrs), "axis": (1 - core["axis"][0],)})
        found += [(other, True)] if _broadcasts(other, outer) else []
    return found


def _broadcasts(reduced: Node, outer: Node) -> bool:
    """Whether `outer` has the shape of the reduction with its dims kept, up to leading ones."""
    shape = reduced.args[0].shape
    kept = tuple(Dim.of(1) if i in reduced["axis"] else d for i, d in enumerate(shape))
    return _without_leading_ones(kept) == _without_leading_ones(outer.shape)


def _mean_of(quotient: Node) -> Node | None:
    """`sum(x) / N` as the mean that it is."""
    total, count = quotient.args
    if total.op.name != "sum":
        return None
    axis = total["axis"]
    size = size_of(tuple(total.args[0].shape[a] for a in axis))
    while count.op.name == "to_real":
        count = count.args[0]
    given = count["dim"] if count.op.name == "dim" else const_value(count)
    if given is None or given != (size if isinstance(given, Dim) else size.known):
        return None
    return OPS["mean"](total.args[0], axis=axis, keepdims=total["keepdims"])


def _inserts_axes(node: Node) -> bool:
    """Whether an index only inserts axes: `x[:, None]`."""
    axes = iter(node.args[0].shape)
    for item in node["index"]:
        if item[0] == "new":
            continue
        dim = next(axes)
        if item[0] != "slice" or item[2] != dim:
            return False
    return True


def _without_leading_ones(shape: Shape) -> Shape:
    start = next((i for i, d in enumerate(shape) if d.known != 1), len(shape))
    return shape[start:]
