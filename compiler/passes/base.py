"""What a pass is, and how passes are run one after the other.

A pass is a frozen dataclass with a `name` and a `run(graph) -> graph`; its options are its fields:

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.ir import Graph
>>> from autodiffc.compiler.passes.cse import Cse
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> graph = Graph((x,), (("f", ops.exp(x) * ops.exp(x)),))
>>> seen = []
>>> after = run_passes((Cse(),), graph, lambda pass_, before, after: seen.append(pass_.name))
>>> seen, len(graph.nodes()), len(after.nodes())
(['cse'], 4, 3)

`observe` is called around every pass; dumps, timings and the verifier are observers. A pass that finds
nothing to do returns the graph itself: that is how `Repeat` knows that it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, Union

from autodiffc.grammar.records import record

from ..ir import Graph


class Pass(Protocol):
    """A graph in, an equivalent graph out."""

    @property
    def name(self) -> str: ...

    def run(self, graph: Graph) -> Graph: ...


Observe = Callable[[Pass, Graph, Graph], None]


@record(frozen=True)
class Repeat:
    """Passes to be run in turn until all of them find nothing, each at most `limit` times."""

    passes: tuple[Pass, ...]
    limit: int = 6


Step = Union[Pass, Repeat]


def run_passes(steps: Iterable[Step], graph: Graph, observe: Observe | None = None) -> Graph:
    """The graph after all steps."""
    for step in steps:
        if isinstance(step, Repeat):
            graph = _repeat(step, graph, observe)
        else:
            graph = _run(step, graph, observe)
    return graph


def _repeat(step: Repeat, graph: Graph, observe: Observe | None) -> Graph:
    idle = 0  # passes in a row that found nothing
    for pass_ in step.passes * step.limit:
        before = graph
        graph = _run(pass_, graph, observe)
        idle = idle + 1 if graph is before else 0
        if idle == len(step.passes):
            break
    return graph


def _run(pass_: Pass, graph: Graph, observe: Observe | None) -> Graph:
    after = pass_.run(graph)
    if observe is not None:
        observe(pass_, graph, after)
    return after
