"""A target as a sum of squares: what Gauss and Newton's method needs to know of it.

0.5 * sum(r**2) + decay * sum(W**2)        squares r**2, W**2; the target is linear in them
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import ops
from ..ir import Node, topological
from ..types import TUPLE

# Ops that are linear in their first argument while the others depend on no wrt value.
SCALED = frozenset({"mul", "div"})
ADDED = frozenset({"add", "sub", "neg", "after"})


def squares_of(target: Node, wrt: Sequence[Node]) -> list[tuple[Node, Node]] | Node:
    """The squares and what is squared in each; a node that is in the way if the target is none such sum.

    What is linear in the wrt values may be added: its second derivative is 0.
    """
    nodes = topological([target])
    active = set(wrt)
    for node in nodes:
        if node.type.kind in ("real", TUPLE) and any(arg in active for arg in node.args):
            active.add(node)
    found: dict[Node, Node] = {}
    stack, seen = [target], {target}
    while stack:
        node = stack.pop()
        if node not in active or node in wrt:
            continue
        if _is_square(node):
            found[node] = _of_a_norm(node.args[0]) or node.args[0]
            continue
        inner = [arg for arg in node.args if arg in active]
        linear = node.op.linear == "jointly" or node.op.name in ADDED
        scaled = (node.op.name in SCALED or node.op.linear == "each") and len(inner) == 1
        if node.op.name == "div" and node.args[1] in active:
            scaled = False
        if not (linear or scaled):
            return node
        stack.extend(arg for arg in inner if arg not in seen)
        seen.update(inner)
    return list(found.items())


def _is_square(node: Node) -> bool:
    """r**2, r * r, or the sum of these: dot(r, r)."""
    twice = node.op is ops.mul or (node.op is ops.matmul and not node.rank)
    return node.op is ops.square or (twice and node.args[0] is node.args[1])


def _of_a_norm(root: Node) -> Node | None:
    """What the square of a Euclidean norm is the sum of squares of."""
    euclidean = root.op is ops.norm and root["ord"] != 1 and not root.rank
    return root.args[0] if euclidean else None
