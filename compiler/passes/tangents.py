"""What forward mode works with: tangents under way, and what goes in and out of a loop or a branch.

found = Tangents()
found.tangents[x] = x_dot
found.of(x)                     # x_dot
found.of(y)                     # zeros, where y depends on nothing that has a tangent
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autodiffc.grammar.records import record

from ..ir import Graph, Node, Origin
from ..ops.control import zeros_for

Seeds = Mapping[Node, Node]


@dataclass
class Tangents:
    """What a forward pass makes: tangents, their names and origins.

    `parts` are the tangents of the results of loops and branches, by position; `replaced` what stands in the
    places of these. `unbounded` are the values whose tangent may be infinite or NaN.
    """

    tangents: dict[Node, Node] = field(default_factory=dict)
    names: dict[Node, str] = field(default_factory=dict)
    origins: dict[Node, tuple[Origin, ...]] = field(default_factory=dict)
    parts: dict[Node, dict[int, Node]] = field(default_factory=dict)
    replaced: dict[Node, Node] = field(default_factory=dict)
    unbounded: set[Node] = field(default_factory=set)

    def of(self, value: Node) -> Node:
        """The tangent of a value, zeros where it doesn't depend on what has one."""
        return self.tangents.get(value) or zeros_for(value)


# Forward mode inside a body of the loop or branch at hand: its seeds, whether these may be infinite.
Inside = Callable[[Graph, Seeds, bool], Tangents]


@record(frozen=True)
class Widened:
    """A loop or a branch that gives tangents too: these by the positions of the results that have some.

    `unbounded`: they may be infinite or NaN.
    """

    node: Node
    dots: Mapping[int, Node]
    unbounded: bool
