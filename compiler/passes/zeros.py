"""Where a zero cotangent may meet an infinite slope: which contributions need a mask.

    y = where(x > 0, sqrt(x), 0)

At x = 0 the cotangent of `sqrt(x)` is a 0 that means "not used" and its slope is inf; the mask makes 0 of
their product, not NaN. Nobody pays for it without need: it takes a zero that an op upstream of the cotangent
made, and an argument whose interval reaches the singular point.

`Zeros` says how far such a zero protects: one that a selector made hides whatever value its branch has; a
zero factor only a finite one, for 0 * inf is NaN in the value already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from .. import ops
from ..ir import Interval, Node

CONTRACTIONS = frozenset(
    {"matmul", "outer", "einsum", "tensordot", "inv", "solve", "solve_triangular", "cholesky"}
)


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
        for node in self.intervals:  # arguments before their users
            if self._holds(node, node.op.singular) or any(a in self.poles for a in node.args):
                self.poles.add(node)
            if self._holds(node, node.op.overflow) or any(a in self.overflows for a in node.args):
                self.overflows.add(node)

    def raise_to(self, value: Node, zeros: Zeros, unbounded: bool = False) -> None:
        """Note what zeros, and whether infinities, a cotangent may bring to a value."""
        self.zeros[value] = max(self.zeros.get(value, Zeros.NONE), zeros)
        if unbounded:
            self.unbounded.add(value)

    def protect(self, node: Node, arg: Node, cotangent: Node, contribution: Node) -> Node:
        """The contribution to an argument, masked where need be; notes what flows on to the argument."""
        reached = self._reached(cotangent, contribution) if node.op.elementwise else set()
        singular = self._holds(node, node.op.singular) or bool(reached & self.poles)
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
            return self._holds(node, node.op.steep)
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

    def _holds(self, node: Node, predicate: Callable[..., bool] | None) -> bool:
        return predicate is not None and predicate(*(self.intervals[a] for a in node.args))

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
