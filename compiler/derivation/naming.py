"""What values are called in formulas: as in the model, else u1, u2, … (v1, … beside a u); positions k*.

Where two values have the same name, the later one has a prime.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..ir import Graph, Node
from .graphs import Derived
from .lines import Line
from .reader import Reader
from .tree import Formula, Role, Symbol
from .walks import graphs_in, with_bodies

POSITIONS = frozenset({"argmax", "argmin", "window_argmax"})


@dataclass(eq=False)
class Room:
    """A graph on its way to equations: what has one, at which place in the order.

    `own` are the values that depend on its inputs: what doesn't may be in other graphs, too.
    """

    graph: Graph
    position: dict[Node, int]
    steps: tuple[Formula, ...] = ()
    own: set[Node] = field(default_factory=set)
    lines: list[tuple[float, Node | None, Line]] = field(default_factory=list)


class Naming:
    """Gives names out.

    rooms      the graph that a value is of
    primal     the values of the model, whose own names are `own_names`
    used       roles and names that are given out
    made       the values that the model has no name for
    """

    def __init__(self, derived: Derived):
        self.derived = derived
        self.reader = Reader(_taken(derived), self.new_name)
        self.reader.natural = frozenset(
            a.name
            for a in derived.program.arguments
            if (a.range and a.range[0].is_natural) or a.interval[0] >= 0
        )
        self.rooms: dict[Node, Room] = {}
        self.primal = with_bodies([derived.graph.output(derived.target)])
        self.own_names = set(derived.program.graph.names.values())
        self.used: set[tuple[str, str]] = set()
        self.made: dict[Node, Symbol] = {}
        self.counter = 0

    def unique(self, name: str, role: Role, steps: tuple[Formula, ...] = ()) -> Symbol:
        while (role, name) in self.used:
            name += "′"
        self.used.add((role, name))
        return Symbol(name, role, steps=steps)

    def new_name(self, node: Node) -> Symbol:
        room = self.rooms[node]
        name = self.name(room, node)
        if name is None and node.op.name in POSITIONS:
            return self.unique(self.position_name(node), "value", room.steps)
        if name is None:
            letter = next((c for c in "uvsq" if c not in self.reader.taken), "u")
            self.counter += 1
            while f"{letter}{self.counter}" in self.reader.taken:
                self.counter += 1
            self.made[node] = self.unique(f"{letter}{self.counter}", "value")
            return replace(self.made[node], steps=room.steps)
        if name.startswith("d_") and node not in self.primal:
            return self.unique(name[2:], "adjoint", room.steps)
        return self.unique(name, "value", room.steps)

    def position_name(self, node: Node) -> str:
        """k* for the best k; of the elements of a window s*."""
        one = node.op.name != "window_argmax" and len(node["axis"]) == 1
        return f"{self.reader.letters([node.args[0].shape[node['axis'][0]]])[0].name}*" if one else "s*"

    def name(self, room: Room, node: Node) -> str | None:
        """The name of a value; where an adjoint is a value of the model, its name as an adjoint is none."""
        name = room.graph.names.get(node)
        foreign = name is not None and name.startswith("d_") and name not in self.own_names
        return None if foreign and node in self.primal else name


def _taken(derived: Derived) -> set[str]:
    """The names that no index may have."""
    taken = {*derived.graph.names.values(), *derived.numbers, *derived.program.dims}
    taken.update(node["name"] for node in derived.graph.inputs)
    for graph in graphs_in(derived.graph):
        taken.update(node["name"] for node in graph.inputs if node.type.kind == "real")
        taken.update(graph.names.values())
    return taken
