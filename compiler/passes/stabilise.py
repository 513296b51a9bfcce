"""Stability rules applied to a graph, before it is differentiated.

    %1 = exp(%0)                 %1 = softplus(%0)
    %2 = add(%1, 1.0)     →
    %3 = log(%2)

Each node is tried bottom-up against the rules that its op can be the root of; sums and products only
against those whose other parts occur in them. What else uses the parts does not matter: they stay for that
use. The pass repeats until nothing changes, as a result may be a part of another rule's pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace

from autodiffc.grammar.records import record

from ..ir import Graph, Interval, Node, Op
from ..ranges import interval_of, intervals
from .bodies import in_bodies
from .pattern import Matcher, Rule, families
from .rules.stability import STABILITY_RULES
from .views import MOVES, PRODUCTS, SUMS

ROUNDS = 8
# Ops under whose other names a pattern may look for them.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "log1p": ("log",),
    "expm1": ("exp",),
    "sinh": ("exp",),
    "cosh": ("exp",),
    "sum": ("mean",),
    "power": ("sqrt", "square"),
}


@record(frozen=True, eq=False)
class Applied:
    """A rule, the node of a graph that it has applied to, and what it has put in its place."""

    rule: Rule
    graph: Graph
    node: Node
    image: Node


@record(frozen=True)
class Stabilise:
    """`observe` is told of every rule that applies."""

    ranges: Mapping[str, Interval] = field(default_factory=dict)
    rules: tuple[Rule, ...] = STABILITY_RULES
    name: str = "stabilise"
    observe: Callable[[Applied], None] | None = None

    def run(self, graph: Graph) -> Graph:
        graph = in_bodies(graph, self.ranges, lambda body, ranges, _: replace(self, ranges=ranges).run(body))
        for _ in range(ROUNDS):
            after = graph.rewrite(_Step(graph, self))
            if after is graph:
                break
            graph = after
        return graph


class _Step:
    """The image of a node: itself on its new arguments, or what the first rule makes of it."""

    def __init__(self, graph: Graph, stabilise: Stabilise):
        self.graph = graph
        self.ranges = stabilise.ranges
        self.observe = stabilise.observe
        self.by_root: dict[str, list[Rule]] = {}
        for rule in stabilise.rules:
            self.by_root.setdefault(rule.root, []).append(rule)
        self.matcher = Matcher(self.interval)
        self.by_parts: dict[tuple[Op, frozenset[str]], list[Rule]] = {}
        self.parts: dict[Node, frozenset[str]] = {}
        self.intervals: dict[Node, Interval] = {}

    def interval(self, node: Node) -> Interval:
        if not self.intervals:
            self.intervals = intervals(self.graph, self.ranges)
        return interval_of(node, self.intervals, self.ranges)

    def __call__(self, node: Node, args: tuple[Node, ...]) -> Node:
        new = node.with_args(args)
        for _ in range(ROUNDS):
            image = self.rewrite(new, node)
            if image is None:
                break
            new = image
        return new

    def rewrite(self, node: Node, old: Node) -> Node | None:
        for rule in self.candidates(node):
            new = self.matcher.rewrite(rule, node)
            if new is not None:
                if self.observe is not None:
                    self.observe(Applied(rule, self.graph, old, new))
                return new
        return None

    def candidates(self, node: Node) -> Sequence[Rule]:
        """The rules of each family whose parts occur in a node, in the order in which they are listed."""
        parts = self.parts_of(node)
        found = self.by_parts.get((node.op, parts))
        if found is None:
            rules = [rule for family in families(node) for rule in self.by_root.get(family, ())]
            found = self.by_parts[node.op, parts] = [rule for rule in rules if rule.labels <= parts]
        return found

    def parts_of(self, node: Node) -> frozenset[str]:
        """The ops that sums and products with this root are made of, itself included."""
        if node not in self.parts:
            name = node.op.name
            parts = frozenset((name, *SPELLINGS.get(name, ())))
            if name == "mul" and node.args[0].op is node.args[1].op:
                parts |= {"square"}
            if name in SUMS or name in PRODUCTS or name in MOVES:
                parts = parts.union(*map(self.parts_of, node.args))
            self.parts[node] = parts
        return self.parts[node]
