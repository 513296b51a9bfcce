"""Regions: the nodes that an axis runs through, in levels; each becomes one node that works on tiles.

    t = tanh(w * x), L = sum(t), y = t - L         level 0: w * x, tanh, sum      level 1: t - L

What needs the sum of a region, or an array of it as a whole, comes after all of its tiles: it has the level
after the region's. So no region needs what waits for itself. Rows that a later level reads are written to an
array and cut again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from autodiffc.grammar.records import record

from .. import ops
from ..cost import kind
from ..ir import Graph, Node, Origin, users
from ..ops.tiles import TILE, Axes
from ..types import Dim, Type, TypeProblem, size_of
from .dce import Dce
from .tile_flow import Flow, cut, flows, result_axis

NO_ROWS = Dim.of(0)


@record(frozen=True)
class Member:
    """A node of a region: how the axis runs through it, and the axis of its rows (None: a sum)."""

    flow: Flow
    axis: int | None


@record(frozen=True, eq=False)
class Region:
    """The body of a region; what it is given, with the axes that are cut, and gives, with those of rows."""

    body: Graph
    given: tuple[tuple[Node, int | None], ...]
    results: tuple[Node, ...]
    rows: Axes


@record(frozen=True, eq=False)
class Plan:
    """The nodes of a graph that an axis of one size runs through."""

    graph: Graph
    length: Dim
    members: Mapping[Node, Member]

    @cached_property
    def levels(self) -> Mapping[Node, int]:
        """The level of each node; what is no member has that of the last region that it needs, plus 1."""
        levels: dict[Node, int] = {}
        for node in self.graph.nodes():
            level = 0
            for arg in node.args:
                together = self._has_rows(arg) and node in self.members
                level = max(level, levels[arg] + (arg in self.members and not together))
            levels[node] = level
        return levels

    @cached_property
    def following(self) -> Mapping[Node, Sequence[Node]]:
        return users(self.graph.nodes())

    @cached_property
    def regions(self) -> Mapping[int, Sequence[Node]]:
        """The members of each level, arguments before their users."""
        found: dict[int, list[Node]] = {}
        for node in self.graph.nodes():
            if node in self.members:
                found.setdefault(self.levels[node], []).append(node)
        return found

    def _has_rows(self, node: Node) -> bool:
        return node in self.members and self.members[node].axis is not None

    def only(self, kept: Iterable[Node]) -> Plan:
        """The plan with these members alone."""
        return replace(self, members={node: self.members[node] for node in kept})

    def without_rims(self) -> Plan:
        """The plan without views that no member of their own region reads."""
        kept: dict[Node, None] = {}
        for node in reversed(self.graph.nodes()):
            if node in self.members:
                level = self.levels[node]
                within = any(u in kept and self.levels[u] == level for u in self.following[node])
                if within or kind(node) != "free":
                    kept[node] = None
        return self.only(kept)

    def region(self, nodes: Sequence[Node]) -> Region:
        """The region of the members of one level."""
        return _Body(self, nodes).region()

    def applied(self, kept: int = 0) -> Graph:
        """The graph with its regions as single nodes, whose tiles are of so many numbers."""
        return _Rebuilding(self, kept).graph()


def plan_for(graph: Graph, length: Dim) -> Plan:
    """All nodes that an axis of this size runs through."""
    members: dict[Node, Member] = {}
    for node in graph.nodes():
        found = _member(node, length, members)
        if found is not None:
            members[node] = found
    return Plan(graph, length, members)


def _member(node: Node, length: Dim, members: Mapping[Node, Member]) -> Member | None:
    """The first way through a node that its operands are ready for."""
    rows = [members[a].axis if a in members else None for a in node.args]
    for flow in flows(node, length):
        if all(row is None or row == axis for row, axis in zip(rows, flow.axes)):
            try:
                return Member(flow, result_axis(node, flow))
            except TypeProblem:
                continue
    return None


# --- bodies ------------------------------------------------------------------------------------------


class _Body:
    """The body of a region under way."""

    def __init__(self, plan: Plan, nodes: Sequence[Node]):
        self.plan, self.nodes, self.inside = plan, nodes, set(nodes)
        self.images: dict[Node, Node] = {}
        self.given: dict[tuple[Node, int | None], Node] = {}
        self.names: set[str] = set()

    def region(self) -> Region:
        graph, members, images = self.plan.graph, self.plan.members, self.images
        for node in self.nodes:
            images[node] = self._image(node)
        outputs = {node for _, node in graph.outputs}
        results = tuple(n for n in self.nodes if n in outputs or self._leaves(n))
        leaving = set(results)
        shown = [n for n in self.nodes if n not in leaving or n.op is ops.sum]
        body = Graph(
            tuple(self.given.values()),
            tuple((f"out{k}", images[node]) for k, node in enumerate(results)),
            {images[n]: graph.names[n] for n in shown if n in graph.names},
            {images[n]: graph.origins[n] for n in self.nodes if n in graph.origins},
        )
        return Region(body, tuple(self.given), results, tuple(members[n].axis for n in results))

    def _leaves(self, node: Node) -> bool:
        """Whether what is outside reads a member; a sum is complete outside only."""
        read = any(user not in self.inside for user in self.plan.following[node])
        return read or self.plan.members[node].axis is None

    def _image(self, node: Node) -> Node:
        flow = self.plan.members[node].flow
        args = [
            _numbers(a, self.plan.length) if place in flow.numbers else self._operand(a, axis)
            for place, (a, axis) in enumerate(zip(node.args, flow.axes))
        ]
        op = ops.sum if is_mean(node, flow) else node.op
        return op(*args, **{**dict(node.attrs), **flow.attrs})

    def _operand(self, arg: Node, axis: int | None) -> Node:
        if arg in self.inside:
            return self.images[arg]
        if axis is None and is_number(arg):
            return arg
        if (arg, axis) not in self.given:
            type_ = arg.type if axis is None else Type(arg.type.kind, cut(arg.shape, axis))
            self.given[arg, axis] = ops.argument(self._name(arg), type_)
        return self.given[arg, axis]

    def _name(self, arg: Node) -> str:
        told = arg["name"] if arg.op.name == "argument" else self.plan.graph.names.get(arg)
        name = told or f"x{len(self.given)}"
        while name in self.names:
            name += "_"
        self.names.add(name)
        return str(name)


def is_mean(node: Node, flow: Flow) -> bool:
    """Whether it is a mean over what is cut, which in a tile is a sum."""
    return node.op is ops.mean and flow.adds


def is_number(node: Node) -> bool:
    """Whether it is a constant or a dim, which need not be given to a body."""
    return node.op.name in ("const", "dim") or (node.op is ops.to_real and is_number(node.args[0]))


def _numbers(array: Node, length: Dim) -> Node:
    """An array that numbers the rows, of a tile."""
    if array.op is ops.reshape:
        shape = tuple(TILE if dim == length else dim for dim in array.shape)
        return ops.reshape(_numbers(array.args[0], length), shape=shape)
    return ops.arange(start=Dim.of(0), step=1, count=TILE)


def width_of(body: Graph, over: bool = False) -> Dim:
    """How many numbers are in use at once for a row of a tile, where they are most.

    `over`: what works element by element is written over an operand that nothing reads later.
    """
    nodes = body.nodes()
    owner: dict[Node, Node] = {}
    for node in nodes:
        owner[node] = owner[node.args[0]] if kind(node) == "free" and node.args else node
    last = {owner[a]: place for place, node in enumerate(nodes) for a in (*node.args, node)}
    last.update((owner[node], len(nodes)) for _, node in body.outputs)
    ends: dict[int, list[Node]] = {}
    for node, place in last.items():
        ends.setdefault(place, []).append(node)
    alive, most = NO_ROWS, NO_ROWS
    for place, node in enumerate(nodes):
        own = _row_size(node) if owner[node] is node else NO_ROWS
        ending = ends.get(place, ())
        candidates = ending if over and node.op.elementwise else ()
        spent = any(d is not node and d.op.name != "argument" and _row_size(d) == own for d in candidates)
        alive += own
        most = max(most, alive - own if spent else alive, key=_weight)
        for done in ending:
            alive -= _row_size(done)
    return most


def _row_size(node: Node) -> Dim:
    """The numbers of a row of a tile; none where it has no rows."""
    return size_of(tuple(dim for dim in node.shape if dim != TILE)) if TILE in node.shape else NO_ROWS


def _weight(size: Dim) -> int:
    """A size for comparison, all dims being equal."""
    return size.evaluate(dict.fromkeys(size.symbols, 8))


# --- graphs ------------------------------------------------------------------------------------------


class _Rebuilding:
    """A graph under way; `images` are the new nodes."""

    def __init__(self, plan: Plan, kept: int):
        self.plan = plan
        self.attrs = {"kept": kept} if kept else {}
        self.images: dict[Node, Node] = {}
        self.origins: dict[Node, tuple[Origin, ...]] = {}

    def graph(self) -> Graph:
        plan = self.plan
        outside: dict[int, list[Node]] = {}
        for node in plan.graph.nodes():
            if node not in plan.members:
                outside.setdefault(plan.levels[node], []).append(node)
        for level in sorted(outside.keys() | plan.regions.keys()):
            for node in outside.get(level, ()):
                self.images[node] = node.with_args([self.images[a] for a in node.args])
            if level in plan.regions:
                self._add(plan.regions[level])
        graph = plan.graph.replace(self.images)
        return Dce().run(replace(graph, origins={**self.origins, **graph.origins}))

    def _add(self, nodes: Sequence[Node]) -> None:
        region = self.plan.region(nodes)
        whole = ops.tiled(
            *(self.images[arg] for arg, _ in region.given),
            body=region.body,
            axes=tuple(axis for _, axis in region.given),
            rows=region.rows,
            length=self.plan.length,
            width=width_of(region.body, over=True),
            **self.attrs,
        )
        places = [place for node in nodes for place in self.plan.graph.origins.get(node, ())]
        first = sorted(places, key=lambda place: (place.adjoint, place.span.line))[:1]
        self.origins[whole] = tuple(first)
        for position, node in enumerate(region.results):
            self.images[node] = self._completed(node, ops.item(whole, position=position))

    def _completed(self, node: Node, result: Node) -> Node:
        """A result of the tiles as the node's: of a mean they give the sum."""
        if not is_mean(node, self.plan.members[node].flow):
            return result
        count = size_of(tuple(node.args[0].shape[i] for i in node["axis"]))
        return result / ops.cast(ops.dim_value(count), "real")
