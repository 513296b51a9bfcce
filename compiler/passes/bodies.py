"""Passes that reason about a node's surroundings, inside the bodies of loops and branches.

    loop(T, h_0, s; body: (t, h, s) -> …)     a graph of its own, with t >= 0 and what is known of s

What a body is given has the interval that it has outside; of a carried value nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from math import inf

from .. import ops
from ..ir import Graph, Interval, Node
from ..ops.derivatives import DERIVATIVES
from ..ranges import intervals
from ..types import TUPLE

Ranges = Mapping[str, Interval]


def in_bodies(graph: Graph, ranges: Ranges, change: Callable[[Graph, Ranges, Node], Graph]) -> Graph:
    """The graph with changed bodies; `change` gets a body, the intervals of its inputs, its node."""
    if not graph.bodies:
        return graph
    known = intervals(graph, ranges)

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        new = node.with_args(args)
        if not has_body(node):
            return new
        return new.map_subgraphs(lambda body: change(body, ranges_in(body, node, known), node))

    return graph.rewrite(step)


def has_body(node: Node) -> bool:
    """Whether it is a loop, a branch, the adjoint that a function brings, or a derivative."""
    return node.type.kind == TUPLE or node.op is ops.own_adjoint or node.op in DERIVATIVES


def settling(body: Graph, key: Hashable, change: Callable[[Graph], Graph]) -> Graph:
    """The changed body; a pass (its name and options are the key) that found nothing is not run again."""
    if key in body.settled:
        return body
    changed = change(body)
    if changed is body:
        body.settled.add(key)
    return changed


def loops_replaced(
    graph: Graph, in_body: Callable[[Graph], Graph], values: Callable[[Node], Sequence[Node] | None]
) -> Graph:
    """The graph with other nodes for the items of its loops: what `values` gives, None where a loop stays."""
    made: dict[Node, Sequence[Node]] = {}

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        if node.op is ops.item and args[0] in made:
            position: int = node["position"]
            return made[args[0]][position]
        new = node.with_args(args).map_subgraphs(in_body)
        results = values(new) if new.op is ops.loop else None
        if results is not None:
            made[new] = results
        return new

    return graph.rewrite(step)


def ranges_in(body: Graph, node: Node, known: Mapping[Node, Interval]) -> dict[str, Interval]:
    """The intervals of a body's inputs, from those of its node's arguments."""
    if node.op is ops.own_adjoint or node.op in DERIVATIVES:
        values = node.args[1:] if node.op is ops.directional else node.args
        return {i["name"]: known[arg] for i, arg in zip(body.inputs, values)}
    operands = [known[arg] for arg in node.args[1:]]
    if node.op is ops.branch:
        return {i["name"]: interval for i, interval in zip(body.inputs, operands)}
    carried = node["carried"]
    given = {i["name"]: r for i, r in zip(body.inputs[1 + carried :], operands[carried:])}
    return {body.inputs[0]["name"]: (0.0, inf), **given}
