"""Arrays that tiles are given, with their columns in one piece of memory each.

    x_tile[:, None, :] - means        →       columns(x_tile)[:, None, :] - means

NumPy's loops run along what lies side by side: over the few numbers of a row ten times as often as over the
many of a column. What elementwise ops make takes the order of their operands, so one copy of what is given,
or gathered, serves all that follows. `columns` leaves an array alone whose rows are long, or few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..ops.tiles import TILE

SHORT = 40  # numbers in a row


@record(frozen=True)
class Layout:
    name: str = "layout"

    def run(self, graph: Graph) -> Graph:
        if ops.tiled not in graph.ops:
            return graph
        return graph.rewrite(lambda node, args: _with_columns(node.with_args(args)))


def _with_columns(node: Node) -> Node:
    return node.map_subgraphs(_body) if node.op is ops.tiled else node


def turned_in(body: Graph) -> set[Node]:
    """The arrays that a tile has in columns: what else it computes with them is in columns, too."""
    following = body.users
    return {node for node in body.nodes() if _is_turned(node, following)}


def _body(body: Graph) -> Graph:
    turned = turned_in(body)
    if not turned:
        return body
    images = {node: ops.columns(node) for node in body.inputs if node in turned}

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        new = node if node in images else node.with_args(images.get(a, a) for a in args)
        return ops.columns(new) if node in turned and node not in images else new

    return body.rewrite(step)


def _is_turned(node: Node, following: Mapping[Node, Sequence[Node]]) -> bool:
    """Whether it has rows of memory that may be short, of which elements are computed with."""
    if node.op.name not in ("argument", "gather") or node.rank != 2 or node.type.kind != "real":
        return False
    if node.shape[0] != TILE:
        return False
    width = node.shape[1].known
    return (width is None or 1 < width <= SHORT) and any(map(_computes, _readers(node, following)))


def _readers(node: Node, following: Mapping[Node, Sequence[Node]]) -> Iterable[Node]:
    """What reads an array, or reads it with axes of 1 between, or parts of it."""
    for user in following.get(node, ()):
        yield from following.get(user, ()) if user.op in (ops.reshape, ops.getitem) else (user,)


def _computes(node: Node) -> bool:
    return node.op.elementwise and node.rank > 1
