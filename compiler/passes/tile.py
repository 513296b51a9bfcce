"""Tiles: regions of a graph that run on some rows at a time, so that their arrays stay in the cache (-O2).

    e = exp(w * x), L = sum(e), d_w = e * x      three arrays of N numbers become three of a few thousand
    ->  L, d_w = tiled(x, w; body: …)

A region is what an axis of one size runs through (`tile_flow.py`), from where it is cut out of what is given
to where it ends: in a sum over it, or in an array that the graph needs as a whole. Whatever needs such a sum
comes later, in another region; so regions have levels, and what a region needs belongs to lower ones.

Whether it pays is the cost model's to say, for arrays that the cache does not hold. At run time arrays that it
holds are one tile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .. import ops
from ..cost import Costs, kind, machine_called
from ..ir import Graph, Node, Origin, users
from ..ops.control import is_local
from ..ops.tiles import TILE
from ..types import Dim, Type, TypeProblem, size_of
from .dce import Dce
from .tile_flow import Flow, cut, flows, result_axis

LEAVES = frozenset({"argument", "const", "dim"})
CANDIDATES, ROUNDS = 4, 3  # sizes of axes that are tried, and how often
FEW = 1000  # rows that are not worth it
UNKNOWN = 16  # the size of a dim that only run time knows
KEPT = 2**17  # numbers that stay in the cache
LARGE = 1024  # tiles
MOST_ADDED = 2**15  # numbers of a sum that each tile adds to
GAIN = 1.4  # times faster
SLICED = 100.0  # ns for a part of an array
ADDED = 8.0  # bytes in a ns that are added to a sum
PAGE = 4096


@dataclass(frozen=True)
class Member:
    """A node of a region: how the axis runs through it, and the axis of its rows (None: a sum)."""

    flow: Flow
    axis: int | None


@dataclass(frozen=True)
class Tile:
    """Cut the graph's large arrays into tiles where that pays; `gain` is by how much it has to."""

    data: Collection[str] = ()  # the arguments that are no params
    gain: float = GAIN
    name: str = "tile"

    def run(self, graph: Graph) -> Graph:
        for _ in range(ROUNDS):
            plans = [_plan(graph, length, self.gain) for length in _candidates(graph, self.data)]
            best = max(plans, key=lambda plan: plan.share, default=NO_PLAN)
            if not best.members:
                break
            graph = _Rebuilt(graph, best).graph()
        return graph


@dataclass(frozen=True, eq=False)
class Plan:
    """The regions along axes of one size that pay, and the share of the graph's time that they save."""

    length: Dim
    members: Mapping[Node, Member]
    levels: Mapping[Node, int]
    share: float


NO_PLAN = Plan(Dim.of(0), {}, {}, 0.0)


def _candidates(graph: Graph, data: Collection[str]) -> list[Dim]:
    """The sizes of axes along which there may be many rows, those that most of the values have first."""
    many = _many(graph, data)
    found: Counter[Dim] = Counter()
    for node in graph.nodes():
        if kind(node) != "free":
            found.update({dim for dim in node.shape if any((dim - size).known is not None for size in many)})
    usual = [dim for dim, count in found.most_common() if count > 2 and not is_local(dim)]
    return [dim for dim in usual if dim.known is None or dim in many][:CANDIDATES]


def _many(graph: Graph, data: Collection[str]) -> set[Dim]:
    """The sizes that data have and params have not; else those of the first axes of data, or of params."""
    inside = [node for node in graph.inputs if node["name"] in data]
    params = {dim for node in graph.inputs if node["name"] not in data for dim in node.shape}
    own = {dim for node in inside for dim in node.shape}.difference(params)
    first = {node.shape[0] for node in inside or graph.inputs if node.rank}
    return {dim for dim in own or first if dim.known is None or dim.known > FEW}


# --- regions -----------------------------------------------------------------------------------------


def _plan(graph: Graph, length: Dim, gain: float) -> Plan:
    """The regions along axes of this size."""
    costs = _costs(graph, length)
    members, levels = _levelled(graph, _members(graph, length, costs))
    found: dict[int, list[Node]] = {}
    for node in members:
        found.setdefault(levels[node], []).append(node)
    chosen: set[int] = set()
    everything = saved = 0.0
    for level, nodes in found.items():
        plain, tiled = _times(graph, nodes, members, length, costs)
        everything += plain
        if plain >= gain * tiled > 0.0:
            chosen.add(level)
            saved += plain - tiled
    members = {node: m for node, m in members.items() if levels[node] in chosen}
    return Plan(length, members, _levels(graph, members), saved / everything if chosen else 0.0)


def _costs(graph: Graph, length: Dim) -> Costs:
    """The cost model for arrays that no cache holds."""
    names = {s for node in graph.nodes() for dim in node.shape for s in dim.symbols}
    return Costs(machine_called("AVX512"), dict.fromkeys(names | length.symbols, UNKNOWN))


def _members(graph: Graph, length: Dim, costs: Costs) -> dict[Node, Member]:
    """The nodes that the axis runs through."""
    found: dict[Node, Member] = {}
    for node in graph.nodes():
        member = _member(node, length, found)
        if member is not None and not (member.axis is None and costs.count(node.shape) > MOST_ADDED):
            found[node] = member
    return found


def _member(node: Node, length: Dim, members: Mapping[Node, Member]) -> Member | None:
    """The first way through a node that its operands are ready for."""
    rows = [members[a].axis if a in members else None for a in node.args]
    for flow in flows(node, length):
        fits = len(flow.axes) == len(rows) and all(
            row is None or row == axis for row, axis in zip(rows, flow.axes)
        )
        if not fits:
            continue
        try:
            return Member(flow, result_axis(node, flow))
        except TypeProblem:
            continue
    return None


def _levelled(graph: Graph, members: Mapping[Node, Member]) -> tuple[dict[Node, Member], dict[Node, int]]:
    """The members without views that no member of their region reads; and the levels of the graph's nodes."""
    levels = _levels(graph, members)
    following = users(graph.nodes())
    kept: set[Node] = set()
    for node in reversed(graph.nodes()):
        if node in members:
            within = any(u in kept and levels[u] == levels[node] for u in following[node])
            if within or kind(node) != "free":
                kept.add(node)
    left = {node: member for node, member in members.items() if node in kept}
    return left, _levels(graph, left)


def _levels(graph: Graph, members: Mapping[Node, Member]) -> dict[Node, int]:
    """The level of each node; what is no member has that of the last region that it needs, plus 1."""
    levels: dict[Node, int] = {}
    for node in graph.nodes():
        level = 0
        for arg in node.args:
            together = arg in members and members[arg].axis is not None and node in members
            level = max(level, levels[arg] + (arg in members and not together))
        levels[node] = level
    return levels


def _times(
    graph: Graph, nodes: Sequence[Node], members: Mapping[Node, Member], length: Dim, costs: Costs
) -> tuple[float, float]:
    """The time of a region as it is and in tiles, where the cache does not hold its arrays."""
    region = _region(graph, nodes, members, length)
    width = max(costs.number(_width(region.body, costs)), 1)
    step = max(KEPT // width, 1)
    rows = length.known or LARGE * step
    if rows < 2 * step or all(axis is None for _, axis in region.given):
        return 0.0, 0.0
    whole = Costs(costs.machine, {**costs.sizes, **dict.fromkeys(length.symbols, rows)})
    part = Costs(costs.machine, {**costs.sizes, str(TILE): step})
    plain = sum(_from_memory(node, whole) for node in nodes)
    machine = costs.machine
    cut_ = sum(whole.bytes(arg) for arg, axis in region.given if axis is not None)
    made = sum(whole.bytes(node) for node, axis in zip(region.results, region.rows) if axis is not None)
    added = sum(part.bytes(node) for node, axis in zip(region.results, region.rows) if axis is None)
    inside = sum(part.nanoseconds(node) for node in region.body.nodes()) + SLICED * len(region.given)
    once = (cut_ + made) / machine.memory_bytes + made / PAGE * machine.fault
    return plain, rows / step * (inside + added / ADDED) + once


def _from_memory(node: Node, costs: Costs) -> float:
    """The time of a node where no cache holds its operands."""
    moved = 0 if kind(node) == "free" else sum(map(costs.bytes, (node, *node.args)))
    held = moved <= costs.machine.cache_bytes
    return max(costs.nanoseconds(node), 0.0 if held else moved / costs.machine.memory_bytes)


# --- bodies ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Region:
    """The body of a region under way, what it is given, what it gives."""

    body: Graph
    given: list[tuple[Node, int | None]]
    results: list[Node]
    rows: list[int | None]


def _region(graph: Graph, nodes: Sequence[Node], members: Mapping[Node, Member], length: Dim) -> _Region:
    """The body for the members of a region, in order, and what stands for each of its results."""
    images: dict[Node, Node] = {}
    given: dict[tuple[Node, int | None], Node] = {}
    taken: set[str] = set()
    inside = set(nodes)

    def image_of(arg: Node, axis: int | None) -> Node:
        if arg in inside:
            return images[arg]
        if axis is None and _is_number(arg):
            return arg
        key = (arg, axis)
        if key not in given:
            type_ = arg.type if axis is None else Type(arg.type.kind, cut(arg.shape, axis))
            name = arg["name"] if arg.op.name == "argument" else graph.names.get(arg, f"x{len(given)}")
            while name in taken:
                name += "_"
            taken.add(name)
            given[key] = ops.argument(name, type_)
        return given[key]

    for node in nodes:
        flow = members[node].flow
        args = [
            _numbers(a, length) if k in flow.numbers else image_of(a, axis)
            for k, (a, axis) in enumerate(zip(node.args, flow.axes))
        ]
        op = ops.sum if flow.adds and node.op is ops.mean else node.op
        images[node] = op(*args, **{**dict(node.attrs), **flow.attrs})
    outer = {node for _, node in graph.outputs}
    following = users(graph.nodes())
    results = [
        n
        for n in nodes
        if n in outer or members[n].axis is None or any(u not in inside for u in following[n])
    ]
    outputs = tuple((f"out{k}", images[node]) for k, node in enumerate(results))
    names = {
        images[n]: graph.names[n] for n in nodes if n in graph.names and (n not in results or n.op is ops.sum)
    }
    origins = {images[n]: graph.origins[n] for n in nodes if n in graph.origins}
    body = Graph(tuple(given.values()), outputs, names, origins)
    return _Region(body, list(given), results, [members[n].axis for n in results])


def _width(body: Graph, costs: Costs) -> Dim:
    """The numbers that are in use at once for a row of a tile, where they are most."""
    nodes = body.nodes()
    base: dict[Node, Node] = {}
    for node in nodes:
        base[node] = base[node.args[0]] if kind(node) == "free" and node.args else node
    last = {base[a]: position for position, node in enumerate(nodes) for a in (*node.args, node)}
    last.update((base[node], len(nodes)) for _, node in body.outputs)
    ends: dict[int, list[Node]] = {}
    for node, position in last.items():
        ends.setdefault(position, []).append(node)
    alive = most = Dim.of(0)
    for position, node in enumerate(nodes):
        alive = alive + (_row_size(node) if base[node] is node else 0)
        most = alive if costs.number(alive) > costs.number(most) else most
        alive = alive - sum(map(_row_size, ends.get(position, ())), Dim.of(0))
    return most


def _row_size(node: Node) -> Dim:
    """The numbers of a row of a tile; none where it has no rows."""
    return size_of(tuple(dim for dim in node.shape if dim != TILE)) if TILE in node.shape else Dim.of(0)


def _is_number(node: Node) -> bool:
    """Whether it is a constant or a dim, which need not be given to a body."""
    return node.op.name in ("const", "dim") or (node.op is ops.to_real and _is_number(node.args[0]))


def _numbers(array: Node, length: Dim) -> Node:
    """An array that numbers the rows, of a tile."""
    if array.op is ops.reshape:
        shape = tuple(TILE if dim == length else dim for dim in array.shape)
        return ops.reshape(_numbers(array.args[0], length), shape=shape)
    return ops.arange(start=Dim.of(0), step=1, count=TILE)


class _Rebuilt:
    """The graph with its regions as single nodes."""

    def __init__(self, graph: Graph, plan: Plan):
        self.old, self.length, self.members, self.levels = graph, plan.length, plan.members, plan.levels
        self.images: dict[Node, Node] = {}
        self.origins: dict[Node, tuple[Origin, ...]] = {}

    def graph(self) -> Graph:
        nodes = self.old.nodes()
        outside: dict[int, list[Node]] = {}
        inside: dict[int, list[Node]] = {}
        for node in nodes:
            (inside if node in self.members else outside).setdefault(self.levels[node], []).append(node)
        for level in range(max(self.levels.values(), default=0) + 1):
            for node in outside.get(level, ()):
                self.images[node] = node.with_args(self.images[a] for a in node.args)
            if level in inside:
                self._add(inside[level])
        graph = self.old.replace(self.images)
        return Dce().run(replace(graph, origins={**self.origins, **graph.origins}))

    def _add(self, nodes: Sequence[Node]) -> None:
        region = _region(self.old, nodes, self.members, self.length)
        whole = ops.tiled(
            *(self.images[arg] for arg, _ in region.given),
            body=region.body,
            axes=tuple(axis for _, axis in region.given),
            rows=tuple(region.rows),
            length=self.length,
            width=_width(region.body, _costs(self.old, self.length)),
        )
        origins = _origins(self.old, nodes)
        if origins:
            self.origins[whole] = origins
        for position, node in enumerate(region.results):
            part = ops.item(whole, position=position)
            self.images[node] = _mean(node, part) if self._is_mean(node) else part

    def _is_mean(self, node: Node) -> bool:
        return node.op is ops.mean and self.members[node].flow.adds


def _mean(node: Node, total: Node) -> Node:
    """The mean, from the sum over all tiles."""
    count = size_of(tuple(node.args[0].shape[i] for i in node["axis"]))
    return total / ops.cast(ops.dim_value(count), "real")


def _origins(graph: Graph, nodes: Iterable[Node]) -> tuple[Origin, ...]:
    """The first place of the model in a region, or of its adjoint."""
    places = [place for node in nodes for place in graph.origins.get(node, ())]
    return tuple(sorted(places, key=lambda o: (o.adjoint, o.span.line))[:1])
