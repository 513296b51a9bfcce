"""Where in a model its cost is: the work of each line of the source, value and adjoint together.

    line 14  h = tanh(x @ W)     2.1 ms   38%

What a loop's body does counts for all steps; of a branch the dearer side counts. The formulas behind it are
summed over whole graphs in `formulas.py`; here are numbers for given sizes.
"""

from __future__ import annotations

from collections.abc import Iterator

from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

from ..ir import Graph, Node, Note, Origin
from ..types import Dim
from .formulas import bytes_of, counted, total, work
from .prediction import Costs


@record(frozen=True)
class Done:
    """A node, where it comes from, what it costs a time, and how often it is done."""

    node: Node
    place: Origin | None
    costs: Costs
    times: int


def done(graph: Graph, costs: Costs, place: Origin | None = None, times: int = 1) -> Iterator[Done]:
    """All that is computed, with what loops, branches and tiles do inside."""
    for node in graph.nodes():
        own = next(iter(graph.origins.get(node, ())), place)
        bodies = counted(node)
        inner, steps = costs.inside(node)
        if not bodies:
            yield Done(node, own, costs, times)
        elif node.op.name == "branch":
            yield from done(max(bodies, key=costs.graph), costs, own, times)
        else:
            for body in bodies:
                yield from done(body, inner, own, times * steps)


@record(frozen=True)
class LineCost:
    """What one place of the source costs in all."""

    span: Span | None
    nanoseconds: float
    flops: int


def lines(graph: Graph, costs: Costs) -> list[LineCost]:
    """What the lines of the source cost, the dearest first; what no line can be told of is the last."""
    time: dict[int, float] = {}
    flops: dict[int, int] = {}
    spans: dict[int, Span | None] = {0: None}
    for part in done(graph, costs):
        line = part.place.span.line if part.place else 0
        if part.place:
            spans.setdefault(line, part.place.span)
        formula = work(part.node, costs.real).flops
        time[line] = time.get(line, 0.0) + part.times * part.costs.nanoseconds(part.node)
        flops[line] = flops.get(line, 0) + part.times * part.costs.number(formula)
    order = sorted(time, key=lambda line: (line == 0, -time[line]))
    return [LineCost(spans[line], time[line], flops[line]) for line in order]


def stacked(graph: Graph) -> Dim:
    """The bytes that loops stack, of which most are for their adjoints."""
    return total(
        bytes_of(type_)
        for node in graph.nodes()
        if node.op.name == "loop"
        for type_ in node.type.items[node["carried"] : -1]
    )


def notes_of(*graphs: Graph | None) -> list[Note]:
    """The decisions that passes noted in graphs and in the bodies in them, each once; and tiles."""
    found: dict[Note, None] = {}
    waiting = [graph for graph in reversed(graphs) if graph is not None]
    while waiting:
        graph = waiting.pop()
        found.update(dict.fromkeys(graph.notes))
        for node in graph.nodes():
            if node.op.name == "tiled":
                text = f"{node['length']} rows of {node['width']} numbers, as many at a time as fit a cache"
                found[node["body"].note("tiled", text, *node["body"].nodes())] = None
            waiting.extend(node.subgraphs())
    return list(found)
