"""The order of the emitted statements: the model's lines forward, then their adjoints backward.

    17  h = relu(x @ W)                17  h = …
    18  L = sum(h**2)          ->      18  L = …
                                       adjoint of 18
                                       adjoint of 17

Any order that respects the data would do; this one can be read beside the source.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from autodiffc.compiler.ir import Graph, Node, Origin, fact

LEAVES = frozenset({"argument", "const", "dim"})


class Group(NamedTuple):
    """The statements that one source line became, or its adjoint. Line 0: none."""

    adjoint: bool
    line: int

    @property
    def key(self) -> tuple[bool, int]:
        """Sorts groups into the order in which they are emitted."""
        return self.adjoint, -self.line if self.adjoint else self.line


_GROUP_KEY = attrgetter("key")


class Step(NamedTuple):
    """A node that is computed, and the group that its statement stands in."""

    node: Node
    group: Group


def schedule(graph: Graph, before: Mapping[Node, Sequence[Node]] = {}) -> Sequence[Step]:
    """The nodes to compute, in order; arguments, constants and dims are not among them.

    `before` has for some nodes others that come before them, though they are not among their arguments.
    """
    return _scheduled(graph, before) if before else _in_order(graph)


@fact
def _in_order(graph: Graph) -> Sequence[Step]:
    return _scheduled(graph, {})


def _scheduled(graph: Graph, before: Mapping[Node, Sequence[Node]]) -> Sequence[Step]:
    nodes = [n for n in _checks_first(graph).nodes() if n.op.name not in LEAVES]
    groups = _groups(graph, nodes)
    together: dict[Group, list[Step]] = {}
    for node, group in groups.items():
        if group not in together:
            together[group] = []
        together[group].append(Step(node, group))
    steps = list(chain.from_iterable([together[group] for group in sorted(together, key=_GROUP_KEY)]))
    needs = {node: {*node.args, *before.get(node, ())} for node in nodes} if before else {}
    order = [step.node for step in steps]
    if _is_possible(order, needs):
        return steps
    return [Step(node, groups[node]) for node in _earliest(order, needs)]


def _is_possible(order: Sequence[Node], needs: Mapping[Node, Collection[Node]]) -> bool:
    """Whether nothing comes before what it needs."""
    coming = set(order)
    for node in order:
        if not coming.isdisjoint(needs[node] if needs else node.args):
            return False
        coming.discard(node)
    return True


def _earliest(nodes: Sequence[Node], needs: Mapping[Node, Collection[Node]]) -> list[Node]:
    """The order that always takes the first node of all that are ready."""
    places = {node: place for place, node in enumerate(nodes)}
    following: dict[Node, list[Node]] = {node: [] for node in nodes}
    waiting: dict[Node, int] = {}
    for node in nodes:
        needed = [a for a in needs.get(node) or {*node.args} if a in places]
        waiting[node] = len(needed)
        for other in needed:
            following[other].append(node)
    ready = [places[node] for node in nodes if not waiting[node]]
    heapq.heapify(ready)
    order = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        order.append(node)
        for user in following[node]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, places[user])
    return order


def _checks_first(graph: Graph) -> Graph:
    """The graph with its checks before its values: within a line, what is checked comes before its use."""
    if all(node.op.name != "check" for _, node in graph.outputs):
        return graph
    return replace(
        graph, outputs=tuple(sorted(graph.outputs, key=lambda output: output[1].op.name != "check"))
    )


def _groups(graph: Graph, nodes: Sequence[Node]) -> dict[Node, Group]:
    """Where each node belongs; one without a place of its own follows the last of its arguments."""
    groups: dict[Node, Group] = {}
    known: dict[tuple[bool, int], Group] = {}
    for node in nodes:
        origins = graph.origins.get(node, ())
        own = origins[0] if len(origins) == 1 else _origin(origins)
        if own is None:
            near = [groups[a] for a in node.args if a in groups]
            groups[node] = max(near, key=_GROUP_KEY) if near else Group(False, 0)
        else:
            place = own.adjoint, own.span.line
            groups[node] = known.get(place) or known.setdefault(place, Group(*place))
    return groups


def _origin(origins: Sequence[Origin]) -> Origin | None:
    """A value that the primal needs anyway belongs to the primal."""
    for origin in origins:
        if not origin.adjoint:
            return origin
    return origins[0] if origins else None


def regrouped(steps: Sequence[Step], start: Callable[[int], int]) -> Sequence[Step]:
    """The steps with each line replaced by the first line of its statement."""
    lines = {step.group.line for step in steps}
    moved = {line: first for line in lines if (first := start(line)) != line}
    if not moved:
        return steps
    return [
        Step(s.node, Group(s.group.adjoint, moved[s.group.line])) if s.group.line in moved else s
        for s in steps
    ]


def last_uses(steps: Sequence[Step]) -> dict[Node, int]:
    """The position of the last step that reads each node."""
    return {arg: position for position, step in enumerate(steps) for arg in step.node.args}


def dump_schedule(graph: Graph, *, level: int) -> str:
    """The schedule as text: a step a line under its source line, and which values die after it.

    The bodies of loops and branches stand under their steps, further in.
    """
    lines = _dumped(graph, "")
    return "\n".join([f"# -O{level}, {len(schedule(graph))} steps", *lines]) + "\n"


def _dumped(graph: Graph, indent: str) -> list[str]:
    steps = schedule(graph)
    kept = {node for _, node in graph.outputs}
    numbers = {step.node: f"%{i}" for i, step in enumerate(steps)}
    dying: dict[int, list[str]] = {}
    for node, position in last_uses(steps).items():
        if node in numbers and node not in kept:
            dying.setdefault(position, []).append(_label(graph, node, numbers))
    lines = []
    current = None
    for position, step in enumerate(steps):
        if step.group != current:
            current = step.group
            lines.append(f"{indent}{'adjoint of ' if current.adjoint else ''}line {current.line or '?'}")
        arguments = ", ".join(_label(graph, a, numbers) for a in step.node.args)
        ends = f"   # ends: {', '.join(dying[position])}" if position in dying else ""
        own = _label(graph, step.node, numbers)
        lines.append(f"{indent}    {own}: {step.node.type} = {step.node.op.name}({arguments}){ends}")
        for name, body in step.node.attrs:
            if isinstance(body, Graph):
                inputs = ", ".join(node["name"] for node in body.inputs)
                lines.append(f"{indent}        {name} ({inputs}):")
                lines.extend(_dumped(body, indent + " " * 12))
    results = ", ".join(f"{name} = {_label(graph, node, numbers)}" for name, node in graph.outputs)
    return [*lines, f"{indent}return {results}"]


def _label(graph: Graph, node: Node, numbers: Mapping[Node, str]) -> str:
    if node.op.name == "argument":
        return str(node["name"])
    if node.op.name in ("const", "dim"):
        return str(node["value" if node.op.name == "const" else "dim"])
    name = graph.names.get(node)
    return f"{numbers[node]}:{name}" if name else numbers[node]
