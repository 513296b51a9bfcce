"""One op on the values of all steps of a loop, which a leading axis numbers.

    tanh(z)            of z: real[T, H]                      tanh(z)
    matmul(h, W)       of h: real[T, B, D], W as it is       the product of h as real[T*B, D] with W
    gather(x, t)       of t: all steps                       x

`batched` gives the op on such values, None for an op that has no such form here. An operand may have the
leading axis or be the same in each step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import mul

from .. import ops
from ..ir import Node
from ..ops.indexing import whole
from ..types import Dim


@dataclass(frozen=True)
class Operand:
    """A value, and whether it has the leading axis."""

    node: Node
    stacked: bool

    @property
    def rank(self) -> int:
        """The rank in a step."""
        return self.node.rank - self.stacked


Rule = Callable[[Node, Sequence[Operand], Dim], "Node | None"]
OVER_AXES = frozenset({
    "sum", "mean", "prod", "max", "min", "all", "any", "max_shift", "logsumexp", "exp_share", "var",
    "centred_squares", "norm", "argmax", "argmin",
})  # fmt: skip
ALONG_AXIS = frozenset({"softmax", "log_softmax", "cumsum", "flip"})


def batched(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    """The op of a step's node on operands of which some have a leading axis of this length."""
    if node.op.elementwise:
        return _elementwise(node, operands, length)
    rule = RULES.get(node.op.name)
    return None if rule is None else rule(node, operands, length)


def _again(node: Node, *args: Node, **changed: object) -> Node:
    return node.op(*args, **{**dict(node.attrs), **changed})


def _ranked(operand: Operand, rank: int) -> Node:
    """The operand with so many axes in a step, for broadcasting."""
    node = operand.node
    if not operand.stacked or operand.rank == rank:
        return node
    ones = (Dim.of(1),) * (rank - operand.rank)
    return ops.reshape(node, shape=(node.shape[0], *ones, *node.shape[1:]))


def with_axis(operand: Operand, length: Dim) -> Node:
    """The operand with the leading axis, also where it is the same in each step."""
    node = operand.node
    return node if operand.stacked else ops.broadcast_to(node, shape=(length, *node.shape))


def _elementwise(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return _again(node, *(_ranked(o, node.rank) for o in operands))


def _over_axes(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    axis = node["axis"]
    shifted = tuple(a + 1 for a in axis) if isinstance(axis, tuple) else axis + 1
    return _again(node, operands[0].node, axis=shifted)


def _transpose(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return _again(node, operands[0].node, axes=(0, *(a + 1 for a in node["axes"])))


def _reshape(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return _again(node, operands[0].node, shape=(length, *node["shape"]))


def _broadcast_to(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return _again(node, _ranked(operands[0], node.rank), shape=(length, *node["shape"]))


def _joined(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return _again(node, *(with_axis(o, length) for o in operands), axis=node["axis"] + 1)


def _on_all(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    """Ops that take any number of leading axes."""
    return _again(node, *(with_axis(o, length) for o in operands))


# --- products ------------------------------------------------------------------------------------


def flat(stack: Node, kept: int) -> Node:
    """All but the last axes (so many) as one."""
    lead = reduce(mul, stack.shape[: stack.rank - kept], Dim.of(1))
    return ops.reshape(stack, shape=(lead, *stack.shape[stack.rank - kept :]))


def _matmul(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    a, b = operands
    if a.stacked and b.stacked:
        return _matmul_both(a, b)
    if a.stacked:
        if a.rank > 1 and b.rank == 2:
            return ops.reshape(flat(a.node, 1) @ b.node, shape=(length, *node.shape))
        return a.node @ b.node if b.rank <= 2 else None
    if b.rank == 1:
        return b.node @ ops.transpose(a.node, axes=(1, 0)) if a.rank == 2 else _vector(a, b)
    return a.node @ b.node if a.rank <= 2 else None


def _vector(a: Operand, b: Operand) -> Node | None:
    return b.node @ a.node if a.rank == 1 else None


def _matmul_both(a: Operand, b: Operand) -> Node | None:
    x, y = a.node, b.node
    if a.rank == b.rank == 1:
        return ops.sum(x * y, axis=(1,), keepdims=False)
    if a.rank == 1 and b.rank == 2:
        row = ops.reshape(x, shape=(x.shape[0], Dim.of(1), x.shape[1]))
        return ops.reshape(row @ y, shape=(x.shape[0], y.shape[2]))
    if a.rank == 2 and b.rank == 1:
        column = ops.reshape(y, shape=(*y.shape, Dim.of(1)))
        return ops.reshape(x @ column, shape=x.shape[:2])
    return x @ y if a.rank == b.rank else None


def _outer(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    a, b = (with_axis(o, length) for o in operands)
    one = Dim.of(1)
    return ops.reshape(a, shape=(*a.shape, one)) * ops.reshape(b, shape=(length, one, b.shape[1]))


# --- picking -------------------------------------------------------------------------------------


def affine(node: Node, step: Node) -> tuple[int, Dim] | None:
    """`(c, d)` where a position is c * step + d."""
    if node is step:
        return 1, Dim.of(0)
    if node.op.name == "const" and isinstance(node["value"], int):
        return 0, Dim.of(node["value"])
    if node.op.name == "dim":
        return 0, node["dim"]
    if node.op.name not in ("add", "sub", "mul", "neg"):
        return None
    parts = [affine(arg, step) for arg in node.args]
    if any(part is None for part in parts):
        return None
    (c, d), *rest = [part for part in parts if part is not None]
    if node.op.name == "neg":
        return -c, -d
    e, f = rest[0]
    if node.op.name == "mul":
        return _product(c, d, e, f)
    return (c + e, d + f) if node.op.name == "add" else (c - e, d - f)


def _product(c: int, d: Dim, e: int, f: Dim) -> tuple[int, Dim] | None:
    if c == 0 and d.known is not None:
        return d.known * e, f * d.known
    if e == 0 and f.known is not None:
        return c * f.known, d * f.known
    return None


def rows_at(x: Node, axis: int, position: tuple[int, Dim], length: Dim) -> Node:
    """What x holds at an axis at the positions of all steps, that axis first."""
    step, start = position
    index = [whole(dim) for dim in x.shape]
    index[axis] = ("slice", start, length, step)
    everything = index[axis] == whole(x.shape[axis])
    picked = x if everything else ops.getitem(x, index=tuple(index))
    order = (axis, *(a for a in range(x.rank) if a != axis))
    return picked if axis == 0 else ops.transpose(picked, axes=order)


def _getitem(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return _again(node, operands[0].node, index=(whole(length), *node["index"]))


def _gather(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    """Where the index arrays stand together, their axes stay together."""
    x, *arrays = operands
    items = node["index"]
    advanced = [i for i, item in enumerate(items) if item[0] in ("array", "at")]
    if advanced[-1] - advanced[0] + 1 != len(advanced) or any(i[0] == "new" for i in items):
        return None
    if not any(a.stacked for a in arrays):
        return _again(node, *(o.node for o in operands), index=(whole(length), *items))
    rank = max(a.rank for a in arrays)
    places = [_ranked(a, rank) for a in arrays]
    if not x.stacked:
        picked = _again(node, x.node, *places)
        order = (advanced[0], *(a for a in range(picked.rank) if a != advanced[0]))
        return picked if advanced[0] == 0 else ops.transpose(picked, axes=order)
    if advanced[0] != 0:
        return None
    steps = ops.arange(start=Dim.of(0), step=1, count=length)
    column = ops.reshape(steps, shape=(length, *(Dim.of(1),) * rank)) if rank else steps
    shifted = tuple(("array", i[1] + 1) if i[0] == "array" else i for i in items)
    return _again(node, x.node, column, *places, index=(("array", 0), *shifted))


RULES: dict[str, Rule] = {
    "transpose": _transpose,
    "reshape": _reshape,
    "broadcast_to": _broadcast_to,
    "matmul": _matmul,
    "outer": _outer,
    "getitem": _getitem,
    "gather": _gather,
    "concatenate": _joined,
    "stack": _joined,
    "cross_entropy": _on_all,
    "cross_entropy_probs": _on_all,
    "one_hot": _on_all,
    "stop_gradient": _on_all,
    **dict.fromkeys(OVER_AXES | ALONG_AXIS, _over_axes),
}
