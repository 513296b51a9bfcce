"""In the place of each derivative that a model computes with, its own nodes.

    %2 = gradient(%0, %1; body: (x, w) -> sum(w * x**2), wrt=0)

becomes what reverse mode makes of the body, on the arguments:

    %2 = 2.0 * x,  %3 = %2 * w

A body is made stable first, as a model is before it is differentiated, and derivatives in it are expanded
before it is: the gradient of a gradient is that of plain nodes. What the model and its derivative have in
common is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from autodiffc.grammar.records import record

from ..ir import Graph, Interval, Node, Origin
from ..ops import argument
from ..ops.derivatives import DERIVATIVES
from ..ranges import intervals
from .adjoints import Adjoints, Optimise, Options, unchanged
from .autodiff import gradients
from .base import Step, run_passes
from .bodies import Ranges, has_body, ranges_in
from .cse import Cse
from .dce import Dce
from .forward import Tangents, tangents
from .label import Label
from .structured import Fresh, names_in, substitute

Stable = Callable[[Ranges], "tuple[Step, ...]"]


def as_it_is(ranges: Ranges) -> tuple[Step, ...]:
    """No stability rules."""
    return ()


@record(frozen=True)
class Derivatives:
    """`stable` are the passes before a graph is differentiated, for intervals of its inputs.

    `optimise` is as for `autodiff`; `labels`: each step of what is differentiated gets a name.
    """

    ranges: Mapping[str, Interval] = field(default_factory=dict)
    stable: Stable = as_it_is
    optimise: Optimise = unchanged
    labels: bool = False
    name: str = "derivatives"

    def run(self, graph: Graph) -> Graph:
        if not holds_derivatives(graph):
            return graph
        graph = run_passes(self.stable(self.ranges), graph)
        return Cse().run(_Expansion(self, graph).expanded(graph, self.ranges, self.labels))


class _Expansion:
    """One run of the pass; `taken` are the names of the model and those that have been given."""

    def __init__(self, how: Derivatives, model: Graph):
        self.how = how
        self.taken = names_below(model)

    def expanded(self, graph: Graph, ranges: Ranges, labels: bool = False) -> Graph:
        """The graph without derivatives, in it and in its bodies."""
        if not holds_derivatives(graph):
            return graph
        known = intervals(graph, ranges)
        facts = _Facts()

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            if node.op in DERIVATIVES:
                return facts.inlined(self._derivative(node, known, labels), args)
            inside = has_body(node)
            return node.with_args(args).map_subgraphs(
                lambda body: self.expanded(body, ranges_in(body, node, known) if inside else {})
            )

        after = graph.rewrite(step)
        origins = _in_order({**after.origins, **facts.origins})
        names = {node: facts.names[node] for node in origins if node in facts.names}
        names = {**after.names, **{node: name for node, name in names.items() if node not in after.names}}
        return replace(after, names=names, origins=origins)

    def _derivative(self, node: Node, known: Mapping[Node, Interval], labels: bool) -> Graph:
        """What a derivative is of its arguments."""
        ranges = ranges_in(node["body"], node, known)
        body = run_passes(self.how.stable(ranges), self.expanded(node["body"], ranges, labels))
        if labels:
            body = Label(frozenset(self.taken)).run(body)
            self.taken.update(body.names.values())
        return DERIVED[node.op.name](body, node["wrt"], Options(ranges, optimise=self.how.optimise))


def _in_order(origins: Mapping[Node, tuple[Origin, ...]]) -> dict[Node, tuple[Origin, ...]]:
    """By place: what two derivatives have in common belongs to the first one's line, and has its name."""
    return dict(sorted(origins.items(), key=lambda item: item[1][0].span.start if item[1] else 0))


@dataclass
class _Facts:
    """The names and the places of what is put in the place of derivatives."""

    names: dict[Node, str] = field(default_factory=dict)
    origins: dict[Node, tuple[Origin, ...]] = field(default_factory=dict)

    def inlined(self, graph: Graph, args: Sequence[Node]) -> Node:
        """The output of a graph on other arguments."""
        images = dict(zip(graph.inputs, args))
        for node in graph.nodes():
            if node not in images:
                image = images[node] = node.with_args(images[a] for a in node.args)
                if node in graph.names:
                    self.names[image] = graph.names[node]
                if node in graph.origins:
                    self.origins[image] = graph.origins[node]
        return images[graph.outputs[0][1]]


def _gradient_graph(body: Graph, wrt: int, options: Options) -> Graph:
    """The gradient of a graph's one output by one of its inputs, as a graph with the same inputs.

    What the derivative adds has no place of its own: it belongs to where it is asked for.
    """
    value = body.outputs[0][1]
    found = gradients(value, [body.inputs[wrt]], None, body, options)
    # d_h is the target's derivative: another one has another name.
    found.names = {node: f"grad_{name.removeprefix('d_')}" for node, name in found.names.items()}
    return _derived(body, body.inputs, found.of(body.inputs[wrt]), found)


def _directional_graph(body: Graph, wrt: int, options: Options) -> Graph:
    """The derivative along a direction, which is the first input."""
    x, value = body.inputs[wrt], body.outputs[0][1]
    direction = argument(Fresh(names_in(body))(f"{x['name']}_dot"), x.type)
    found = tangents([value], {x: direction}, body, options)
    return _derived(body, (direction, *body.inputs), found.of(value), found)


DERIVED = {"gradient": _gradient_graph, "directional": _directional_graph}


def _derived(body: Graph, inputs: tuple[Node, ...], result: Node, found: Adjoints | Tangents) -> Graph:
    forward = {n: places for n, places in found.origins.items() if not any(p.adjoint for p in places)}
    kept = forward if isinstance(found, Adjoints) else {n: found.origins[n] for n in found.replaced.values()}
    graph = Graph(inputs, (("derivative", result),), {**body.names, **found.names}, {**kept, **body.origins})
    return Dce().run(substitute(graph, found.replaced))


@lru_cache(maxsize=256)
def derivative_graph(name: str, body: Graph, wrt: int) -> Graph:
    """What the interpreter evaluates: the derivative of a body as it is written."""
    return DERIVED[name](Derivatives().run(body), wrt, Options())


def names_below(graph: Graph) -> set[str]:
    """The names in a graph and in the bodies in it."""
    found = names_in(graph)
    for node in graph.nodes():
        found.update(*map(names_below, node.subgraphs()))
    return found


@lru_cache(maxsize=1024)
def holds_derivatives(graph: Graph) -> bool:
    """Whether a derivative is in a graph or in the bodies in it."""
    return any(
        node.op in DERIVATIVES or any(map(holds_derivatives, node.subgraphs())) for node in graph.nodes()
    )
