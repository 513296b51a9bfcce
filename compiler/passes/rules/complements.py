"""What is left to 1, where the graph has it anyway.

    f = sigmoid(z), r = sigmoid(-z)        1 - f        →        r

So the slope of each is the product of both: the gates of h = f * c + (1 - f) * h, of which stability rules
have made the second.
"""

from __future__ import annotations

from ... import ops
from ...ir import Graph, Node, const_value

MOST_NEAR = 16  # users of a value that are looked at


def known_complement(new: Node, old: Node, graph: Graph) -> Node | None:
    """1 - sigmoid(x) as sigmoid(-x), where the graph has that; `old` is the node in the graph."""
    if not is_complement(new) or not is_complement(old):
        return None
    (x,), (image,) = old.args[1].args, new.args[1].args
    if x.op is ops.neg and image.op is ops.neg:
        (x,), (image,) = x.args, image.args
        return ops.sigmoid(image) if _has(graph, x, ops.sigmoid) else None
    negated = (user for user in graph.users[x][:MOST_NEAR] if user.op is ops.neg)
    return ops.sigmoid(-image) if any(_has(graph, user, ops.sigmoid) for user in negated) else None


def is_complement(node: Node) -> bool:
    """Whether it is 1 - sigmoid(x)."""
    return node.op is ops.sub and const_value(node.args[0]) == 1.0 and node.args[1].op is ops.sigmoid


def _has(graph: Graph, x: Node, op: object) -> bool:
    return any(user.op is op for user in graph.users[x][:MOST_NEAR])
