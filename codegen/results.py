"""What a function returns must be the caller's own: no argument, nothing cached, nothing twice.

f = x (an input)      ->      return Outputs(x.copy())
"""

from __future__ import annotations

from collections.abc import Sequence

from autodiffc.compiler.ir import Node

from .body import Body
from .pytext import ATOM
from .schedule import LEAVES

READ_ONLY = frozenset({"broadcast_to", "diagonal"})


def root(node: Node) -> Node:
    """The node whose memory a value may share."""
    while node.op.view and node.args and node.args[0].rank:
        node = node.args[0]
    return node


def owned(body: Body, names: Sequence[str], keep: Sequence[str] = ()) -> dict[str, str]:
    """The texts of the outputs `names`, copied where something else (those in `keep`) holds their memory."""
    outputs = dict(body.graph.outputs)
    held = {root(outputs[name]) for name in keep}
    texts = {}
    for name in names:
        node = outputs[name]
        shared = node.rank and (root(node) in held or _foreign(node))
        held.add(root(node))
        texts[name] = f"{body.value(node).within(ATOM)}.copy()" if shared else str(body.value(node))
    return texts


def _foreign(node: Node) -> bool:
    """Whether a value is an argument's or a constant's memory, or can't be written to."""
    while True:
        if node.op.name in LEAVES or (node.op.name in READ_ONLY and node.args[0].rank):
            return True
        if not (node.op.view and node.args and node.args[0].rank):
            return False
        node = node.args[0]
