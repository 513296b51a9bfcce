"""What is written to belongs to one value.

    C = zeros; d_A = the same zeros; both are written to     ->     C = np.zeros(…), d_A = np.zeros(…)
    h = zeros; a reversed loop begins with the same zeros    ->     d_h = np.zeros(…)
    z = hs[t], carried on while the loop writes to hs        ->     z = hs[t].copy()

The passes see one value in equal expressions. Where elements of it are changed it must be made again, or
copied: the former reads better. And a row that outlives a step is copied, lest the whole array must be.
"""

from __future__ import annotations

from dataclasses import replace

from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node, Origin
from autodiffc.compiler.model import Derivative

from .memory import is_view
from .structure import UPDATES, passed_through

CHANGING = frozenset({ops.loop, ops.branch, ops.set_at, ops.add_at})


def unshared(derivative: Derivative) -> Derivative:
    """The same graphs, in which a fill that is changed has no other user."""
    return derivative.mapped(unshared_graph)


def unshared_graph(graph: Graph) -> Graph:
    """The graph, and the bodies in it."""
    if graph.ops.isdisjoint(CHANGING):
        return graph
    uses = graph.users
    outputs = {node for _, node in graph.outputs}
    origins: dict[Node, tuple[Origin, ...]] = {}

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        new = list(args)
        for place in _changed_places(node):
            fill = node.args[place]
            shared = len(uses[fill]) > 1 or fill in outputs or _is_lent(fill, node, graph)
            if _is_fill(fill) and shared:
                new[place] = Node(args[place].op, args[place].args, args[place].attrs, args[place].type)
                origins[new[place]] = graph.origins.get(node, ())
        node = node.with_args(new).map_subgraphs(unshared_graph)
        return _with_own_rows(node) if node.op is ops.loop else node

    result = graph.rewrite(step)
    return replace(result, origins={**result.origins, **origins}) if origins else result


def _with_own_rows(loop: Node) -> Node:
    """The loop, in which no carried value is a part of an array that the steps may write to."""
    body, carried = loop["body"], loop["carried"]
    states = set(body.inputs[1 : carried + 1])
    own, names = {}, dict(body.names)
    for name, node in body.outputs[:carried]:
        whole = node
        while is_view(whole):
            whole = whole.args[0]
        if whole is not node and (whole in states or whole.op.name in UPDATES):
            own[name] = ops.detached(node)
            if node in names:
                names[own[name]] = names.pop(node)
    if not own:
        return loop
    outputs = tuple((name, own.get(name, node)) for name, node in body.outputs)
    new = replace(body, outputs=outputs, names=names)
    return loop.map_subgraphs(lambda graph: new if graph is body else graph)


def _is_fill(node: Node) -> bool:
    return bool(node.rank) and node.op.name == "broadcast_to" and not node.args[0].rank


def _is_lent(fill: Node, user: Node, graph: Graph) -> bool:
    """Whether an adjoint begins with a value of the model's."""
    return _is_adjoint(user, graph) and not _is_adjoint(fill, graph)


def _is_adjoint(node: Node, graph: Graph) -> bool:
    return all(origin.adjoint for origin in graph.origins.get(node, ()))


def _changed_places(node: Node) -> list[int]:
    """The arguments that a node may write to."""
    if node.op.name == "loop":
        return list(range(1, node["carried"] + 1))
    if node.op.name == "branch":
        return [target for _, target in passed_through(node)]
    return [0] if node.op.name in UPDATES else []
