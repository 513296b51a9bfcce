"""What is where in a graph and in the bodies of its loops and branches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .. import ops
from ..ir import Graph, Node, topological
from ..types import Dim
from .tree import Formula, Index, Merged


def merged(indices: tuple[Index, ...], dims: tuple[Dim, ...]) -> Formula:
    return indices[0] if len(indices) == 1 else Merged(indices, dims)


def dependent(graph: Graph) -> set[Node]:
    """The values that depend on the inputs."""
    return depending(graph, set(graph.inputs))


def depending(graph: Graph, found: set[Node]) -> set[Node]:
    """The values that depend on some of the inputs, with these."""
    for node in graph.nodes():
        if any(arg in found for arg in node.args):
            found.add(node)
    return found


def items_of(graph: Graph, node: Node) -> Iterator[tuple[int, Node]]:
    for user in graph.nodes():
        if user.op is ops.item and user.args[0] is node:
            yield user["position"], user


def positions_needed(graph: Graph) -> Iterator[Node]:
    """The places of the largest elements of windows, but for those that only the largest are read at."""
    for body in graphs_in(graph):
        yield from (value for _, value in body.outputs if value.op.name == "window_argmax")
        for node in body.nodes():
            largest = node.op.name == "take_flat"
            found = (arg for arg in node.args if arg.op.name == "window_argmax")
            yield from (arg for arg in found if not (largest and node.args[0] is arg.args[0]))


def graphs_in(graph: Graph) -> Iterator[Graph]:
    """The graph and all bodies in it."""
    stack = [graph]
    while stack:
        one = stack.pop()
        yield one
        for node in one.nodes():
            stack.extend(node.subgraphs())


def with_bodies(roots: Iterable[Node]) -> set[Node]:
    """All nodes below the roots, those in bodies too."""
    found: set[Node] = set()
    for node in topological(roots):
        found.add(node)
        for body in node.subgraphs():
            for graph in graphs_in(body):
                found.update(graph.nodes())
                found.update(graph.inputs)
    return found
