"""Every step gets a name, so that its adjoint has one too: the teaching form (-O0) shows each step.

f = (x + y) * maximum(y, z)     ->     a = x + y, b = maximum(y, z), f = a * b
                                       d_a = d_f * b, d_b = d_f * a, …
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from autodiffc.grammar.records import record

from ..ir import Graph, Node
from .structured import names_in

LETTERS = "abcghkmnpqrstuvwz"  # without d, of which adjoints are made, and what is read as a digit
NAMELESS = frozenset({"argument", "const", "dim", "check", "after"})
PICKED = frozenset({"gather", "getitem", "item"})


@record(frozen=True)
class Label:
    """`taken` are names that are others' beside those in the graph."""

    taken: frozenset[str] = frozenset()
    name: str = "label"

    def run(self, graph: Graph) -> Graph:
        taken = self.taken.union(*map(names_in, _graphs(graph)))
        taken |= {symbol for i in graph.inputs for dim in i.shape for symbol in dim.symbols}
        return _labelled(graph, (label for label in _labels() if label not in taken))


def _graphs(graph: Graph) -> Iterator[Graph]:
    """The graph and the bodies in it."""
    waiting = [graph]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(body for node in current.nodes() for body in node.subgraphs())


def _labelled(graph: Graph, labels: Iterator[str], inside: bool = False) -> Graph:
    """The graph, and the bodies in it."""
    graph = graph.rewrite(
        lambda node, args: node.with_args(args).map_subgraphs(lambda body: _labelled(body, labels, True))
    )
    unnamed = [node for node in graph.nodes() if node not in graph.names and _is_step(node, inside)]
    return replace(graph, names={**graph.names, **dict(zip(unnamed, labels))}) if unnamed else graph


def _is_step(node: Node, inside: bool) -> bool:
    """Whether it is to have a name; in a body what is read of an array is called after that."""
    return node.op.name not in NAMELESS and not (
        inside and (node.type.kind != "real" or node.op.name in PICKED)
    )


def _labels() -> Iterator[str]:
    yield from LETTERS
    yield from (f"t{number}" for number in count(1))
