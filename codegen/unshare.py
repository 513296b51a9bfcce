"""Zeros that are filled in belong to one value each.

    C = zeros; d_A = the same zeros; both are written to     ->     C = np.zeros(…), d_A = np.zeros(…)

The passes see one value in equal expressions. Where elements of it are changed it must be made again, or
copied: the former reads better.
"""

from __future__ import annotations

from dataclasses import replace

from autodiffc.compiler.ir import Graph, Node, Origin, users
from autodiffc.compiler.model import Derivative

from .structure import UPDATES, passed_through


def unshared(derivative: Derivative) -> Derivative:
    """The same graphs, in which a fill that is changed has no other user."""
    return replace(
        derivative,
        value_and_grad=derivative.value_and_grad and unshared_graph(derivative.value_and_grad),
        forward=unshared_graph(derivative.forward),
        backward=derivative.backward and unshared_graph(derivative.backward),
        predict=derivative.predict and unshared_graph(derivative.predict),
    )


def unshared_graph(graph: Graph) -> Graph:
    """The graph, and the bodies in it."""
    uses = users(graph.nodes())
    outputs = {node for _, node in graph.outputs}
    origins: dict[Node, tuple[Origin, ...]] = {}

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        new = list(args)
        for place in _changed_places(node):
            fill = node.args[place]
            if _is_fill(fill) and (len(uses[fill]) > 1 or fill in outputs):
                new[place] = Node(args[place].op, args[place].args, args[place].attrs, args[place].type)
                origins[new[place]] = graph.origins.get(node, ())
        return node.with_args(new).map_subgraphs(unshared_graph)

    result = graph.rewrite(step)
    return replace(result, origins={**result.origins, **origins}) if origins else result


def _is_fill(node: Node) -> bool:
    return bool(node.rank) and node.op.name == "broadcast_to" and not node.args[0].rank


def _changed_places(node: Node) -> list[int]:
    """The arguments that a node may write to."""
    if node.op.name == "loop":
        return list(range(1, node["carried"] + 1))
    if node.op.name == "branch":
        return [target for _, target in passed_through(node)]
    return [0] if node.op.name in UPDATES else []
