"""Arrays of known sizes that no argument changes: at -O2 a module makes them once.

t = arange(1, 30) / 29
powers = t[:, None]**arange(6)         not in the cache of forward(): backward() finds it in the module
"""

from __future__ import annotations

from collections.abc import Iterator

from ..ir import Graph, Node, fact
from ..types import TUPLE, size_of
from .fold import is_affordable

LARGEST = 50_000  # elements
GIVEN = frozenset({"argument", "undefined", "check"})


@fact
def constant_arrays(graph: Graph) -> frozenset[Node]:
    """The nodes of a graph, or of a body, that come of constants alone and are not large."""
    found: set[Node] = set()
    for node in graph.nodes():
        if node.op.name not in GIVEN and found.issuperset(node.args) and _is_plain(node):
            found.add(node)
    return frozenset(found)


def _is_plain(node: Node) -> bool:
    if node.type.kind == TUPLE or any(True for _ in node.subgraphs()):
        return False
    return is_affordable(node, LARGEST) and size_of(node.shape).known != 0


def outermost(graph: Graph, kept: frozenset[str]) -> Iterator[Node]:
    """The constant arrays that others read, or the ops `kept`; what is an output is made by each call."""
    constant = constant_arrays(graph)
    apart: set[Node] = {node for _, node in graph.outputs}
    for node in reversed([node for node in graph.nodes() if node in constant]):
        read = any(user not in constant or user in apart or not user.rank for user in graph.users[node])
        if node.op.name in kept and read:
            apart.add(node)
        elif node.rank and read and node not in apart and node.op.name != "const":
            yield node
