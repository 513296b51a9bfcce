"""One op on the values of all steps of a loop, which a leading axis numbers.

    tanh(z)            of z: real[T, H]                      tanh(z)
    matmul(h, W)       of h: real[T, B, D], W as it is       the product of h as real[T*B, D] with W
    gather(x, t)       of t: all steps                       x

`batched` gives the op on such values, None for an op that has no such form here. An operand may have the
leading axis or be the same in each step. Products are in `batch_products.py`, what moves elements in
`batch_moves.py`, loops and branches in `batch_control.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import ops
from ..ir import Node
from ..ops.indexing import whole
from ..types import Dim
from .batch_moves import MOVE_RULES
from .batch_products import PRODUCT_RULES
from .operands import Operand, Rule, again, ranked, steps_first, with_axis

OVER_AXES = frozenset({
    "sum", "mean", "prod", "max", "min", "all", "any", "max_shift", "logsumexp", "exp_share", "var",
    "centred_squares", "norm",
})  # fmt: skip
ALONG_AXIS = frozenset({"softmax", "log_softmax", "cumsum", "cumprod", "exclusive_cumprod", "flip"})
ON_ALL = frozenset({
    "cross_entropy", "one_hot", "stop_gradient", "detached", "zeros_like",
})  # fmt: skip


def batched(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    """The op of a step's node on operands of which some have a leading axis of this length."""
    if node.op.elementwise:
        return again(node, *(ranked(o, node.rank) for o in operands))
    rule = RULES.get(node.op.name)
    return None if rule is None else rule(node, operands, length)


def _over_axes(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    axis = node["axis"]
    shifted = tuple(a + 1 for a in axis) if isinstance(axis, tuple) else axis + 1
    return again(node, operands[0].node, axis=shifted)


def _linear_scan(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(node, *(with_axis(o, length) for o in operands), axis=node["axis"] + 1)


def _transpose(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(node, operands[0].node, axes=(0, *(a + 1 for a in node["axes"])))


def _reshape(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(node, operands[0].node, shape=(length, *node["shape"]))


def _broadcast_to(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(node, ranked(operands[0], node.rank), shape=(length, *node["shape"]))


def _joined(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    return again(node, *(with_axis(o, length) for o in operands), axis=node["axis"] + 1)


def _position(node: Node, operands: Sequence[Operand], length: Dim) -> Node | None:
    """argmax and argmin; over several axes they count through all of them."""
    return _over_axes(node, operands, length) if len(node["axis"]) == 1 else None


def _on_all(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    """Ops that take any number of leading axes."""
    return again(node, *(with_axis(o, length) for o in operands))


def _cross_entropy_probs(node: Node, operands: Sequence[Operand], length: Dim) -> Node:
    rank = max(o.rank for o in operands)
    return again(node, *(ranked(Operand(with_axis(o, length), True), rank) for o in operands))


RULES: dict[str, Rule] = {
    "transpose": _transpose,
    "reshape": _reshape,
    "broadcast_to": _broadcast_to,
    "concatenate": _joined,
    "stack": _joined,
    "linear_scan": _linear_scan,
    "cross_entropy_probs": _cross_entropy_probs,
    **dict.fromkeys(("argmax", "argmin"), _position),
    **dict.fromkeys(ON_ALL, _on_all),
    **dict.fromkeys(OVER_AXES | ALONG_AXIS, _over_axes),
    **PRODUCT_RULES,
    **MOVE_RULES,
}


# --- positions ---------------------------------------------------------------------------------------


AFFINE = frozenset({"add", "sub", "mul", "neg"})
Affine = tuple[int, Dim]


def affine(node: Node, step: Node) -> Affine | None:
    """`(c, d)` where a position is c * step + d."""
    found: dict[Node, Affine | None] = {step: (1, Dim.of(0))}
    stack = [node]
    while stack:
        top = stack.pop()
        if top in found:
            continue
        inner = top.args if top.op.name in AFFINE else ()
        missing = [arg for arg in inner if arg not in found]
        if missing:
            stack += [top, *missing]
        else:
            found[top] = _affine(top, [found[arg] for arg in inner])
    return found[node]


def _affine(node: Node, parts: Sequence[Affine | None]) -> Affine | None:
    if node.op.name == "const" and isinstance(node["value"], int):
        return 0, Dim.of(node["value"])
    if node.op.name == "dim":
        return 0, node["dim"]
    known = [part for part in parts if part is not None]
    if node.op.name not in AFFINE or len(known) < len(parts):
        return None
    (c, d), *rest = known
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
    return steps_first(picked, axis)
