"""Tiles: regions of a graph that run on some rows at a time, so that their arrays stay in the cache (-O2).

    e = exp(w * x), L = sum(e), d_w = e * x      three arrays of N numbers become three of a few thousand
    ->  L, d_w = tiled(x, w; body: …)

A region is what an axis of one size runs through (`tile_flow.py`), from where it is cut out of what is given
to where it ends: in a sum over it, or in an array that the graph needs as a whole (`tile_regions.py`).

Whether it pays is the cost model's to say, for arrays that the cache does not hold. At run time arrays
that it holds are one tile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from autodiffc.grammar.records import record

from ..cost import Costs, kind, machine_called
from ..ir import Graph, Node
from ..ops.control import is_local
from ..ops.tiles import TILE
from ..types import Dim, size_of
from .layout import SHORT, turned_in
from .tile_regions import Plan, plan_for, width_of

CANDIDATES, ROUNDS = 4, 3  # sizes of axes that are tried, and how often
FEW = 1000  # rows that are not worth it
UNKNOWN = 12  # the size of a dim that only run time knows
KEPT = 2**17  # numbers that stay in the cache
LARGE = 1024  # tiles of arrays that no cache holds
MOST_ADDED = 2**15  # numbers of a sum that each tile adds to
LEAST = 6  # ops of a region
GAIN = 1.1  # times faster
SLICED = 100.0  # ns for a part of an array
ADDED = 8.0  # bytes in a ns that are added to a sum
ROW = 3.0  # ns for a row of a few numbers, of which tiles have columns instead


@record(frozen=True)
class Tile:
    """Cut the graph's large arrays into tiles where that makes a region `gain` times faster.

    `data` are the arguments that are no params. A region has at least so many ops, and is cut into rows of
    which there are more than a `few`; so many numbers are `kept` by the cache.
    """

    data: Collection[str] = ()
    gain: float = GAIN
    least: int = LEAST
    few: int = FEW
    kept: int = KEPT
    name: str = "tile"

    def run(self, graph: Graph) -> Graph:
        for _ in range(ROUNDS):
            plans = [self._plan(graph, length) for length in self._candidates(graph)]
            best, _ = max(plans, key=lambda found: found[1], default=(None, 0.0))
            if best is None or not best.members:
                break
            graph = best.applied(self.kept if self.kept != KEPT else 0)
        return graph

    def _candidates(self, graph: Graph) -> list[Dim]:
        """The sizes of axes along which there may be many rows, those that most of the values have first."""
        many = self._many(graph)
        found: Counter[Dim] = Counter()
        for node in graph.nodes():
            if node.type.shape and kind(node) != "free":
                each = dict.fromkeys(node.shape)  # in their order, which decides between equals
                found.update([dim for dim in each if any((dim - n).known is not None for n in many)])
        usual = [dim for dim, count in found.most_common() if count > 2 and not is_local(dim)]
        return [dim for dim in usual if dim.known is None or dim in many][:CANDIDATES]

    def _many(self, graph: Graph) -> set[Dim]:
        """The sizes that data have and params have not; else those of first axes of data, or of params."""
        inside = [node for node in graph.inputs if node["name"] in self.data]
        params = {dim for node in graph.inputs if node["name"] not in self.data for dim in node.shape}
        own = {dim for node in inside for dim in node.shape}.difference(params)
        first = {node.shape[0] for node in inside or graph.inputs if node.rank}
        return set(filter(self._may_be_many, own)) or set(filter(self._may_be_many, first))

    def _may_be_many(self, dim: Dim) -> bool:
        return dim.known is None or dim.known > self.few

    def _plan(self, graph: Graph, length: Dim) -> tuple[Plan, float]:
        """The regions along axes of this size that pay, and the share of the time that they save."""
        costs = _costs(graph, length)
        plan = plan_for(graph, length)
        sums = [node for node, member in plan.members.items() if member.axis is None]
        many = Costs(costs.machine, {**costs.sizes, **_large(self._many(graph))})
        dear = {node for node in sums if _added(node, many) > MOST_ADDED}
        plan = plan.only(node for node in plan.members if node not in dear).without_rims()
        chosen: list[Node] = []
        everything = saved = 0.0
        for nodes in plan.regions.values():
            plain, tiled = self._times(plan, nodes, costs)
            everything += plain
            if plain >= self.gain * tiled > 0.0:
                chosen += nodes
                saved += plain - tiled
        return plan.only(chosen), saved / everything if chosen else 0.0

    def _times(self, plan: Plan, nodes: Sequence[Node], costs: Costs) -> tuple[float, float]:
        """The time of a region as it is and in tiles, where no cache holds its arrays; 0 for no tiles."""
        region, machine = plan.region(nodes), costs.machine
        width, symbols = width_of(region.body), plan.length.symbols
        step = max(self.kept // max(costs.number(width), 1), 1)
        rows = plan.length.known or LARGE * step
        several = sum(kind(node) != "free" for node in nodes) >= self.least
        is_cut = any(axis is not None for _, axis in region.given)
        if not (several and is_cut) or width.symbols & symbols or rows < 2 * step:
            return 0.0, 0.0
        whole = Costs(machine, {**costs.sizes, **dict.fromkeys(symbols, rows)})
        part = Costs(machine, {**costs.sizes, str(TILE): step})
        results = list(zip(region.results, region.rows))
        once = sum(whole.bytes(arg) for arg, axis in region.given if axis is not None)
        once += sum(whole.bytes(node) for node, axis in results if axis is not None)
        added = sum(part.bytes(node) for node, axis in results if axis is None) / ADDED
        inside = sum(map(part.nanoseconds, region.body.nodes())) + SLICED * len(region.given) + added
        plain = sum(_from_memory(node, whole) for node in nodes)
        plain += sum(_by_rows(node, whole) for node in nodes) if turned_in(region.body) else 0.0
        return plain, rows / step * inside + once / machine.memory_bytes


def _large(dims: Collection[Dim]) -> dict[str, int]:
    """Sizes of dims that only run time knows, and that may be large."""
    return {symbol: LARGE for dim in dims for symbol in dim.symbols}


def _added(node: Node, costs: Costs) -> int:
    """The numbers of a sum that each tile adds to; a table in which it adds to some rows may be large."""
    if node.op.name != "scatter_add":
        return costs.count(node.shape)
    size = size_of(node.shape)
    return size.evaluate(_large([size]))


def _costs(graph: Graph, length: Dim) -> Costs:
    """The cost model; what is computed on the way has its memory at hand."""
    names = {s for node in graph.nodes() for dim in node.shape for s in dim.symbols}
    machine = replace(machine_called("AVX512"), fault=0.0)
    return Costs(machine, dict.fromkeys(names | length.symbols, UNKNOWN))


def _from_memory(node: Node, costs: Costs) -> float:
    """The time of a node where no cache holds its operands."""
    moved = 0 if kind(node) == "free" else sum(map(costs.bytes, (node, *node.args)))
    held = moved <= costs.machine.cache_bytes
    return max(costs.nanoseconds(node), 0.0 if held else moved / costs.machine.memory_bytes)


def _by_rows(node: Node, costs: Costs) -> float:
    """The time for which NumPy goes from one short row to the next, where operands have others than those."""
    width = node.shape[-1].known if node.rank > 1 and node.op.elementwise else None
    if width is None or not 1 < width <= SHORT or all(a.shape == node.shape for a in node.args if a.rank):
        return 0.0
    return ROW * costs.count(node.shape[:-1])
