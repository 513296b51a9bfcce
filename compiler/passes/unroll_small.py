"""What can be computed number by number: small arrays, ops on them, and the bodies of loops and branches.

is_split(body, h)      for h: real[3] that the body adds and multiplies; not where it is solved with
is_of_numbers(body)    a step of a loop that computes with nothing else
"""

from __future__ import annotations

from .. import ops
from ..ir import Graph, Node
from ..ops.control import item
from ..types import TUPLE, Type, size_of

MOST_ELEMENTS = 64  # of one array
MOVES = frozenset({
    "reshape", "transpose", "broadcast_to", "getitem", "put", "gather", "scatter_add", "concatenate", "stack",
    "flip", "roll", "repeat", "tile", "pad", "fold_pad", "diag", "diagonal", "put_diagonal", "tril", "triu",
    "set_at", "add_at", "decrement", "eye", "arange", "linspace", "zeros_like", "one_hot",
})  # fmt: skip
SUMS = frozenset({"sum", "mean", "trace", "matmul", "outer", "einsum", "contract", "tensordot", "cumsum"})
# What is done element by element along axes.
REDUCED = {
    "max": ops.maximum, "min": ops.minimum, "max_shift": ops.maximum, "prod": ops.mul,
    "any": ops.logical_or, "all": ops.logical_and, "norm": ops.hypot,
}  # fmt: skip


def can_be_numbers(node: Node) -> bool:
    """Whether a small node is computed from the numbers of its arguments."""
    if not all(is_small(a.type) for a in node.args) or node.op is item or list(node.subgraphs()):
        return False
    if node.op.name in ("argument", "const", "dim"):
        return True
    if not node.rank and not any(a.rank for a in node.args):
        return node.op.elementwise
    if any(a.type.kind == "int" and a.op.name != "const" for a in node.args) and not node.op.elementwise:
        return False  # positions that are computed
    return node.op.elementwise or node.op.name in MOVES or node.op.name in SUMS or node.op.name in REDUCED


def is_of_numbers(body: Graph) -> bool:
    """Whether a step computes with numbers alone, or does when its small arrays are numbers.

    It may read rows of what it is given, be that large.
    """
    room = MOST_ELEMENTS * 4
    for node in body.nodes():
        if node.op is ops.branch and all(map(is_of_numbers, node.subgraphs())):
            continue
        row = node.op is ops.gather and all(not a.rank for a in node.args[1:])
        plain = node.op.name in ("argument", "item") or (
            is_small(node.type) and (row or can_be_numbers(node))
        )
        if not plain:
            return False
        room -= 0 if node.op.name == "argument" else int(size_of(node.shape).known or 0)
    return room >= 0


def is_split(body: Graph, value: Node) -> bool:
    """Whether a body takes an input as numbers: it is small, and nothing needs it in one piece."""
    if not value.rank or not is_small(value.type):
        return False
    return all(_takes_numbers(node, value) for node in body.nodes() if value in node.args)


def _takes_numbers(user: Node, value: Node) -> bool:
    if user.op not in (ops.loop, ops.branch):
        return can_be_numbers(user) and is_small(user.type)
    places = [i - (user.op is ops.branch) for i, arg in enumerate(user.args) if arg is value]
    bodies = [user["body"]] if user.op is ops.loop else list(user.subgraphs())
    return all(is_split(body, body.inputs[i]) for body in bodies for i in places)


def is_small(type_: Type) -> bool:
    """Whether it is a number, or an array of few numbers of known sizes."""
    if type_.kind == TUPLE:
        return False
    total = size_of(type_.shape).known
    return total is not None and 0 < total <= MOST_ELEMENTS
