"""The order of the emitted statements: the model's lines forward, then their adjoints backward.

    17  h = relu(x @ W)                17  h = …
    18  L = sum(h**2)          ->      18  L = …
                                       adjoint of 18
                                       adjoint of 17

Any order that respects the data would do; this one can be read beside the source.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from autodiffc.compiler.ir import Graph, Node, Origin, users

LEAVES = frozenset({"argument", "const", "dim"})


@dataclass(frozen=True)
class Group:
    """The statements that one source line became, or its adjoint. Line 0: none."""

    adjoint: bool
    line: int

    @property
    def key(self) -> tuple[bool, int]:
        """Sorts groups into the order in which they are emitted."""
        return self.adjoint, -self.line if self.adjoint else self.line


@dataclass(frozen=True)
class Step:
    """A node that is computed, and the group that its statement stands in."""

    node: Node
    group: Group


def schedule(graph: Graph, before: Mapping[Node, Sequence[Node]] = {}) -> list[Step]:
    """The nodes to compute, in order; arguments, constants and dims are not among them.

    `before` has for some nodes others that come before them, though they are not among their arguments.
    """
    nodes = [n for n in _checks_first(graph).nodes() if n.op.name not in LEAVES]
    groups = _groups(graph, nodes)
    index = {node: i for i, node in enumerate(nodes)}
    waiting = {n: len({a for a in (*n.args, *before.get(n, ())) if a in index}) for n in nodes}
    following = users(nodes)
    for node, others in before.items():
        for other in others:
            if node in index and other in index:
                following[other].append(node)
    ready = [(groups[n].key, i, n) for n, i in index.items() if not waiting[n]]
    heapq.heapify(ready)
    steps = []
    while ready:
        _, _, node = heapq.heappop(ready)
        steps.append(Step(node, groups[node]))
        for user in dict.fromkeys(following[node]):
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, (groups[user].key, index[user], user))
    return steps


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
    for node in nodes:
        group = _group(graph.origins.get(node, ()))
        if group is None:
            near = [groups[a] for a in node.args if a in groups]
            group = max(near, key=lambda g: g.key) if near else Group(False, 0)
        groups[node] = group
    return groups


def _group(origins: Iterable[Origin]) -> Group | None:
    """A value that the primal needs anyway belongs to the primal."""
    adjoint = None
    for origin in origins:
        if not origin.adjoint:
            return Group(False, origin.span.line)
        adjoint = adjoint or origin
    return Group(True, adjoint.span.line) if adjoint else None


def regrouped(steps: Sequence[Step], starts: Mapping[int, int]) -> list[Step]:
    """The steps with each line replaced by the first line of its statement."""
    moved = {line: start for line, start in starts.items() if line != start}
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
