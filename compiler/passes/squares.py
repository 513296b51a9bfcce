"""A target as a sum of squares: what Gauss and Newton's method needs to know of it.

0.5 * sum(r**2) + decay * sum(W**2)        squares r**2, W**2; the target is linear in them
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import ops
from ..ir import Node, topological
from ..ops.checks import unguarded
from ..types import TUPLE

ADDED = frozenset({"add", "sub"})


def squares_of(target: Node, wrt: Sequence[Node]) -> list[tuple[Node, Node]] | Node:
    """The squares and what is squared in each; a node that is in the way if the target is none such sum.

    What is linear in the wrt values may be added: its second derivative is 0.
    """
    active = _active(target, wrt)
    found: dict[Node, Node] = {}
    stack, seen = [target], {target}
    while stack:
        node = unguarded(stack.pop())
        if node not in active or node in wrt:
            continue
        if _is_square(node):
            found[node] = _of_a_norm(node.args[0]) or node.args[0]
            continue
        inner = [arg for arg in node.args if arg in active]
        if not _is_linear(node, inner):
            return node
        stack.extend(arg for arg in inner if arg not in seen)
        seen.update(inner)
    return list(found.items())


def _active(target: Node, wrt: Sequence[Node]) -> set[Node]:
    """The values that depend on wrt values."""
    active = set(wrt)
    for node in topological([target]):
        if node.type.kind in ("real", TUPLE) and any(arg in active for arg in node.args):
            active.add(node)
    return active


def _is_linear(node: Node, active: Sequence[Node]) -> bool:
    """Whether a value is linear in those of its arguments that depend on wrt values."""
    if node.op.linear == "jointly" or node.op.name in ADDED:
        return True
    scales = node.op.linear == "each" or (node.op is ops.div and node.args[1] is not active[0])
    return scales and len(active) == 1


def _is_square(node: Node) -> bool:
    """r**2, r * r, or the sum of these: dot(r, r)."""
    twice = node.op is ops.mul or (node.op is ops.matmul and not node.rank)
    return node.op is ops.square or (twice and node.args[0] is node.args[1])


def _of_a_norm(root: Node) -> Node | None:
    """What the square of a Euclidean norm is the sum of squares of."""
    euclidean = root.op is ops.norm and root["ord"] != 1 and not root.rank
    return root.args[0] if euclidean else None
