"""Where a zero cotangent may meet an infinite slope: which contributions need a mask.

    y = where(x > 0, sqrt(x), 0)

At x = 0 the cotangent of `sqrt(x)` is a 0 that means "not used" and its slope is inf; the mask makes 0 of
their product, not NaN. Nobody pays for it without need: it takes a zero that an op upstream of the cotangent
made, and an argument whose interval reaches the singular point.

`Zeros` says how far such a zero protects: one that a selector made hides whatever value its branch has; a
zero factor only a finite one, for 0 * inf is NaN in the value already.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from operator import attrgetter

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Interval, Node, Op
from ..ranges import intervals
from ..types import TUPLE
from .bodies import ranges_in

CONTRACTIONS = frozenset(
    {"matmul", "outer", "einsum", "tensordot", "inv", "solve", "solve_triangular", "cholesky"}
)


Fact = Callable[[Op], "Callable[..., bool] | None"]
SINGULAR: Fact = attrgetter("singular")
OVERFLOW: Fact = attrgetter("overflow")
STEEP: Fact = attrgetter("steep")


@record(frozen=True)
class InfiniteInputs:
    """The inputs of bodies that may be infinite or NaN: below a pole, or by overflow."""

    poles: frozenset[Node] = frozenset()
    overflows: frozenset[Node] = frozenset()


def infinite(known: Mapping[Node, Interval], start: Collection[Node], fact: Fact) -> set[Node]:
    """The values that may be infinite or NaN: those below the start, and below ops of which the fact holds.

    `known` has the values, arguments before their users, and their intervals.
    """
    found = set(start)
    for node in known:
        below = not found.isdisjoint(node.args) or holds(node, fact, known)
        if below or any(infinite_in(body, node, known, found, fact)[1] for body in bodies_of(node)):
            found.add(node)
    return found


def bodies_of(node: Node) -> Sequence[Graph]:
    """What a loop or a branch computes: a loop's condition gives no value."""
    if node.type.kind != TUPLE:
        return ()
    return (node["body"],) if node.op is ops.loop else (node["then"], node["orelse"])


def infinite_in(
    body: Graph, node: Node, known: Mapping[Node, Interval], found: Collection[Node], fact: Fact
) -> tuple[set[Node], bool]:
    """The inputs of a body that may be infinite or NaN, and whether one of its results may be."""
    inputs = body.inputs[len(body.inputs) - len(node.args) + 1 :]
    start = {i for i, operand in zip(inputs, node.args[1:]) if operand in found}
    values = intervals(body, ranges_in(body, node, known))
    outputs = [value for _, value in body.outputs]
    carried = inputs[: node["carried"]] if node.op is ops.loop else ()
    while True:
        inside = infinite(values, start, fact)
        fresh = {state for state, value in zip(carried, outputs) if value in inside} - start
        if not fresh:
            return start, any(value in inside for value in outputs)
        start |= fresh


def holds(node: Node, fact: Fact, known: Mapping[Node, Interval]) -> bool:
    """Whether a fact holds of a node's op for what its arguments may be."""
    predicate = fact(node.op)
    return predicate is not None and predicate(*[known[arg] for arg in node.args])


class Zeros(IntEnum):
    """What zeros a cotangent may hold."""

    NONE = 0
    FACTOR = 1  # from a factor that may be 0: data, or a bare argument
    MIXED = 2  # from a selector, through a contraction: all the zeros of a row
    SELECTED = 3  # from a selector, element by element


@dataclass
class ZeroAnalysis:
    """State of the analysis during one reverse pass, from the target backwards."""

    primal: frozenset[Node]
    active: set[Node]
    intervals: Mapping[Node, Interval]
    masked_zero: bool = True
    zeros: dict[Node, Zeros] = field(default_factory=dict)
    unbounded: set[Node] = field(default_factory=set)  # nodes whose cotangent may be infinite or NaN
    poles: set[Node] = field(default_factory=set)  # values that may be infinite or NaN below a pole
    overflows: set[Node] = field(default_factory=set)  # … or by overflow

    def __post_init__(self) -> None:
        self.poles = infinite(self.intervals, self.poles, SINGULAR)
        self.overflows = infinite(self.intervals, self.overflows, OVERFLOW)

    def inside(self, node: Node) -> InfiniteInputs:
        """Which inputs of a loop's body, or of a branch's, may be infinite."""
        poles, overflows = set(), set()
        for body in bodies_of(node):
            poles |= infinite_in(body, node, self.intervals, self.poles, SINGULAR)[0]
            overflows |= infinite_in(body, node, self.intervals, self.overflows, OVERFLOW)[0]
        return InfiniteInputs(frozenset(poles), frozenset(overflows))

    def raise_to(self, value: Node, zeros: Zeros, unbounded: bool = False) -> None:
        """Note what zeros, and whether infinities, a cotangent may bring to a value."""
        self.zeros[value] = max(self.zeros.get(value, Zeros.NONE), zeros)
        if unbounded:
            self.unbounded.add(value)

    def protect(self, node: Node, arg: Node, cotangent: Node, contribution: Node) -> Node:
        """The contribution to an argument, masked where need be; notes what flows on to the argument."""
        slopes = node.op.elementwise and (self.poles or self.overflows)
        reached = self._reached(cotangent, contribution) if slopes else set()
        singular = holds(node, SINGULAR, self.intervals) or bool(reached & self.poles)
        result = contribution
        if contribution.op is ops.gate and contribution.args[0] is cotangent and node not in self.unbounded:
            result = ops.gate_finite(*contribution.args)
        elif node.op.elementwise and self.masked_zero and self._endangered(node, singular, reached):
            result = ops.masked(contribution, cotangent)
        self._pass_on(node, arg, singular)
        return result

    def _endangered(self, node: Node, singular: bool, reached: set[Node]) -> bool:
        zeros = self.zeros.get(node, Zeros.NONE)
        if zeros == Zeros.FACTOR:
            return holds(node, STEEP, self.intervals)
        return (zeros >= Zeros.MIXED and singular) or (
            zeros == Zeros.SELECTED and bool(reached & self.overflows)
        )

    def _pass_on(self, node: Node, arg: Node, singular: bool) -> None:
        contracts = node.op.name in CONTRACTIONS
        zeros = Zeros.SELECTED if node.op.selector else self.zeros.get(node, Zeros.NONE)
        if contracts:
            zeros = min(zeros, Zeros.MIXED)
        if node.op.name == "mul" and zeros == Zeros.NONE and self._may_vanish(node, arg):
            zeros = Zeros.FACTOR
        self.zeros[arg] = max(self.zeros.get(arg, Zeros.NONE), zeros)
        if singular or (node in self.unbounded and not contracts):
            self.unbounded.add(arg)

    def _may_vanish(self, product: Node, arg: Node) -> bool:
        """Whether the other factor is data or a bare argument, and may be 0."""
        other = product.args[1] if product.args[0] is arg else product.args[0]
        low, high = self.intervals[other]
        return low <= 0.0 <= high and (other not in self.active or other.op.name == "argument")

    def _reached(self, cotangent: Node, contribution: Node) -> set[Node]:
        """The real values of the primal graph that the slope is made of."""
        found: set[Node] = set()
        stack = [contribution]
        while stack:
            node = stack.pop()
            if node is cotangent or node.type.kind != "real" or node in found:
                continue
            if node in self.primal:
                found.add(node)
            else:
                stack.extend(node.args)
        return found
