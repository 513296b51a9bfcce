"""Choices between numbers that hang on one condition become one branch.

    m = maximum(y, z)                     m, g, h = branch(y > z)
    g = gate(a, y > z)              →         then: y, a, 0.0
    h = gate(a, not y > z)                    else: z, 0.0, a

What only one side needs is computed on that side alone. Choices that depend on each other stay apart: to
take what lies between them onto both sides would double it, and double it again with the next condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, Op, const
from ..ops import argument
from .cse import Interner

FAR = 1_000  # nodes between the choices of a condition: whether one needs the other is looked for in them
MOST = 16  # branches in a graph: each is looked for in all of it
LARGEST = 4_000  # nodes of such a graph
LEAVES = frozenset({"const", "dim"})
WINS: Mapping[str, Op] = {"maximum": ops.greater, "minimum": ops.less}


@record(frozen=True)
class Choice:
    """A node that takes one of two values, as a condition says."""

    node: Node
    condition: Node
    then: Node
    orelse: Node


@record(frozen=True)
class Sides:
    name: str = "sides"

    def run(self, graph: Graph) -> Graph:
        if graph.bodies:
            graph = graph.rewrite(lambda node, args: node.with_args(args).map_subgraphs(self.run))
        if len(graph.nodes()) > LARGEST:
            return graph
        graph = _compared(graph)
        tried: set[Node] = set()
        for _ in range(MOST):
            group = _largest(graph, tried)
            if not group:
                break
            tried.add(group[0].condition)
            graph = _branched(graph, group)
        return graph


def _compared(graph: Graph) -> Graph:
    """The larger of two numbers as a choice, where the same comparison is made anyway."""
    nodes = graph.nodes()
    made = {(n.op, n.args) for n in nodes if n.op in WINS.values()}
    if not any((WINS.get(n.op.name), n.args) in made for n in nodes):
        return graph
    intern = Interner()

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        if node.rank or node.type.kind != "real" or (WINS.get(node.op.name), node.args) not in made:
            return intern(node.with_args(args))
        x, y = args
        greater = intern(WINS[node.op.name](x, y))
        return intern(ops.where(greater, x, intern(ops.where(intern(ops.equal(x, x)), y, x))))

    return graph.rewrite(step)


def _largest(graph: Graph, tried: Iterable[Node]) -> list[Choice]:
    """The choices on one condition that can be one branch: of the condition with the most."""
    order = graph.nodes()
    places = {node: place for place, node in enumerate(order)}
    groups: dict[Node, list[Choice]] = {}
    for choice in filter(None, map(_choice, order)):
        groups.setdefault(choice.condition, []).append(choice)
    candidates = [group for condition, group in groups.items() if condition not in tried and len(group) > 1]
    for group in sorted(candidates, key=len, reverse=True):
        first, last = places[group[0].node], places[group[-1].node]
        if last - first < FAR:
            apart = _independent(order[first : last + 1], group)
            if len(apart) > 1:
                return apart
    return []


def _choice(node: Node) -> Choice | None:
    if node.rank or any(a.rank for a in node.args):
        return None
    if node.op is ops.where:
        condition, then, orelse = node.args
    elif node.op in (ops.gate, ops.gate_finite):
        (then, condition), orelse = node.args, const(0.0)
    else:
        return None
    if condition.op is ops.logical_not:
        return Choice(node, condition.args[0], orelse, then)
    return Choice(node, condition, then, orelse)


def _independent(nodes: Iterable[Node], group: Sequence[Choice]) -> list[Choice]:
    """The choices that need no other of the group, of which the first and the last are those of the nodes."""
    chosen = {choice.node: choice for choice in group}
    after: set[Node] = set()
    found = []
    for node in nodes:
        if not after.isdisjoint(node.args):
            after.add(node)
        elif node in chosen:
            found.append(chosen[node])
            after.add(node)
    return found


def _branched(graph: Graph, group: Sequence[Choice]) -> Graph:
    then, orelse = (_Side(graph, group, side) for side in (0, 1))
    operands = list(dict.fromkeys([*then.operands, *orelse.operands]))
    branch = ops.branch(group[0].condition, *operands, then=then.body(operands), orelse=orelse.body(operands))
    images = {c.node: ops.item(branch, position=i) for i, c in enumerate(group)}
    changed = graph.with_images(images)
    return replace(changed, names={**changed.names, **_names(graph, group, images)})


def _names(graph: Graph, group: Iterable[Choice], images: Mapping[Node, Node]) -> dict[Node, str]:
    """Names for choices that have none; a value of the model's is not called after a derivative."""
    found = {}
    for choice in group:
        given, told = graph.names.get(choice.node, ""), _told(choice)
        if not given or (given.startswith("d_") and told in ("larger", "smaller")):
            found[images[choice.node]] = told
    return found


def _told(choice: Choice) -> str:
    """What to call a choice that has no name."""
    if choice.node.op is not ops.where:
        return "gated"
    taken = choice.condition.args[:1] == (choice.then,)
    return {"greater": "larger", "less": "smaller"}.get(choice.condition.op.name * taken, "chosen")


class _Side:
    """One side: its results, and what nothing but these needs."""

    def __init__(self, graph: Graph, group: Sequence[Choice], side: int):
        self.graph = graph
        self.choices = [choice.node for choice in group]
        self.results = [(c.then, c.orelse)[side] for c in group]
        others = {a for c in group for a in c.node.args if a is not (c.then, c.orelse)[side]}
        self.own = self._exclusive(others)
        read = [a for node in self.own for a in node.args] + self.results
        self.operands = [n for n in dict.fromkeys(read) if n not in self.own and n.op.name not in LEAVES]

    def _exclusive(self, others: set[Node]) -> dict[Node, None]:
        """The numbers that only this side needs, arguments before their users."""
        order = self.graph.nodes()
        following = self.graph.users
        inside = {*self.choices}
        kept = others | {node for _, node in self.graph.outputs}
        found: list[Node] = []
        for node in reversed(order):
            movable = node.args and node.op.elementwise and not node.rank and node not in kept
            if movable and following[node] and all(user in inside for user in following[node]):
                inside.add(node)
                found.append(node)
        return dict.fromkeys(n for n in reversed(found) if n not in self.choices)

    def body(self, operands: Sequence[Node]) -> Graph:
        names, origins = self.graph.names, self.graph.origins
        inputs = {
            n: argument(names.get(n) or n.get("name") or f"chosen_{i}", n.type)
            for i, n in enumerate(operands)
        }
        image: dict[Node, Node] = dict(inputs)
        for node in self.own:
            image[node] = node.with_args(image.get(a, a) for a in node.args)
        outputs = tuple(
            (names.get(choice, f"y{i}"), image.get(result, result))
            for i, (choice, result) in enumerate(zip(self.choices, self.results))
        )
        moved = {image[n]: origins[n] for n in self.own if n in origins}
        called = {image[n]: names[n] for n in self.own if n in names}
        return Graph(tuple(inputs.values()), outputs, called, moved)
