"""Dead code: what no output needs is forgotten.

Nodes that no output reaches are not part of a graph in the first place; this pass drops what the graph
still knows about them, their names and their places in the source:

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.ir import Graph
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> dead = ops.exp(x)
>>> Dce().run(Graph((x,), (("f", x + 1.0),), {dead: "h"})).names
{}

A loop or a branch keeps the results that are used, and what these need: see `trim.py`.
"""

from __future__ import annotations

from autodiffc.grammar.records import record

from ..ir import Graph, Node
from ..types import TUPLE
from .bodies import settling
from .trim import trimmed


@record(frozen=True)
class Dce:
    name: str = "dce"

    def run(self, graph: Graph) -> Graph:
        return settling(graph, self.name, _clean)


def _clean(graph: Graph) -> Graph:
    """The graph with what its outputs need."""
    if any(node.type.kind == TUPLE for node in graph.nodes()):
        graph = trimmed(graph, Dce().run)
    elif graph.bodies:
        graph = graph.rewrite(_step)
    live = set(graph.nodes()) | set(graph.inputs)
    if live.issuperset(graph.names) and live.issuperset(graph.origins):
        return graph
    names = {node: name for node, name in graph.names.items() if node in live}
    origins = {node: spans for node, spans in graph.origins.items() if node in live}
    return graph.told(names=names, origins=origins)


def _step(node: Node, args: tuple[Node, ...]) -> Node:
    return node.with_args(args).map_subgraphs(Dce().run)
