"""What reverse mode works with: cotangents under way, and what goes in and out of a loop or a branch.

adjoints = Adjoints()
adjoints.add(x, g)              # x has the cotangent g
adjoints.add(x, h)              # x has the cotangent g + h
adjoints.of(x)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Interval, Node, Origin
from ..ops.control import zeros_for
from .zeros import InfiniteInputs, ZeroAnalysis, Zeros

SCATTERS = frozenset({"scatter_add", "put"})
# A graph of a step and its adjoint, of which the last outputs (so many) are derivatives, made simpler.
Optimise = Callable[[Graph, int], Graph]


def unchanged(graph: Graph, derivatives: int) -> Graph:
    """No optimisation."""
    return graph


@record(frozen=True)
class Options:
    """`ranges` are the intervals of arguments; `optimise` is run on the body of a loop with its adjoint.

    `depth` is the number of bodies that the graph is inside of, and `moving` are the arrays among its inputs
    that a loop around it carries; `infinite` those that may be so. `recompute`: what is cheaper made again
    in an adjoint than saved for it is made again.
    """

    ranges: Mapping[str, Interval] = field(default_factory=dict)
    masked_zero: bool = True
    optimise: Optimise = unchanged
    depth: int = 0
    moving: frozenset[Node] = frozenset()
    infinite: InfiniteInputs = field(default_factory=InfiniteInputs)
    recompute: bool = False


@record(frozen=True)
class Seed:
    """A cotangent to begin with, and what zeros and infinities it may hold."""

    value: Node
    cotangent: Node
    zeros: Zeros = Zeros.NONE
    unbounded: bool = False


class Reverse(Protocol):
    """`autodiff.reverse`."""

    def __call__(
        self,
        seeds: Sequence[Seed],
        wrt: Iterable[Node],
        graph: Graph,
        options: Options,
        sums: Collection[Node] = (),
    ) -> tuple[Adjoints, ZeroAnalysis]: ...


@record(frozen=True)
class Incoming:
    """What is known when a loop or a branch is reached: the cotangents of its results, by position.

    `active` and `moving` are flags and `ranges` intervals of the operands (the count or condition first),
    `bases` the cotangents that are known of arrays among them. `infinite` are inputs of the bodies.
    """

    cotangents: Mapping[int, Node]
    zeros: Zeros
    unbounded: bool
    active: tuple[bool, ...]
    bases: Mapping[Node, Node]
    ranges: tuple[Interval, ...]
    moving: tuple[bool, ...]
    infinite: InfiniteInputs


@record(frozen=True)
class Outgoing:
    """The operands' cotangents, and the loop or branch that saves what they need.

    Those of the operands in `absorbed` go on from their bases, the others are to be added.
    """

    totals: Mapping[Node, Node]
    absorbed: frozenset[Node]
    replaced: Node
    saved: Mapping[Node, str]  # by the names that they are to have
    zeros: Zeros
    unbounded: bool


@dataclass
class Adjoints:
    """What a reverse pass makes: cotangents, and the names and origins of the new nodes.

    `parts` are the cotangents of the results of loops and branches, by position; `replaced` those of them
    whose results must be more, for their adjoint to use. `sums` are cotangents that loops carry and add to.
    """

    cotangents: dict[Node, Node] = field(default_factory=dict)
    names: dict[Node, str] = field(default_factory=dict)
    origins: dict[Node, tuple[Origin, ...]] = field(default_factory=dict)
    parts: dict[Node, dict[int, Node]] = field(default_factory=dict)
    replaced: dict[Node, Node] = field(default_factory=dict)
    sums: set[Node] = field(default_factory=set)
    _scattered: dict[Node, list[Node]] = field(default_factory=dict)

    def of(self, value: Node) -> Node:
        """The cotangent of a value, zeros where the target doesn't depend on it."""
        return self.found(value) or zeros_for(value)

    def found(self, value: Node) -> Node | None:
        """The cotangent of a value, with what is added to its elements."""
        for contribution in self._scattered.pop(value, ()):
            self.cotangents[value] = self._sum(value, contribution)
        return self.cotangents.get(value)

    def add(self, value: Node, contribution: Node) -> None:
        """One contribution more to the cotangent of a value."""
        if self.sums and contribution.op.name in SCATTERS:
            self._scattered.setdefault(value, []).append(contribution)
        else:
            self.cotangents[value] = self._sum(value, contribution)

    def _sum(self, value: Node, contribution: Node) -> Node:
        known = self.cotangents.get(value)
        if known is None:
            return contribution
        total = known + contribution
        if known in self.sums and contribution.op.name in SCATTERS:
            total = ops.add_at(known, *contribution.args, index=contribution["index"])
        if known in self.sums or contribution in self.sums:
            self.sums.add(total)
        return total


def first_bases(operands: Sequence[Node], bases: Mapping[Node, Node]) -> list[Node | None]:
    """What each operand's cotangent goes on from; where one occurs twice, only the first."""
    return [bases.get(o) if o not in operands[:i] else None for i, o in enumerate(operands)]


def added(operands: Sequence[Node], cotangents: Sequence[Node]) -> dict[Node, Node]:
    """The cotangent of each operand; of one that occurs twice, the sum."""
    totals: dict[Node, Node] = {}
    for operand, cotangent in zip(operands, cotangents):
        known = totals.get(operand)
        totals[operand] = cotangent if known is None else known + cotangent
    return totals
