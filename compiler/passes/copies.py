"""What a reshape has to copy is a value of its own: for that the emitter has memory.

    x.swapaxes(-2, -1).reshape(B * T, H)     ->     rows = x.swapaxes(-2, -1).copy()
                                                    rows.reshape(B * T, H)

An array of which the last axis lies elsewhere in memory has no view in which rows follow rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import ops
from ..ir import Graph, Node


@dataclass(frozen=True)
class Copies:
    name: str = "copies"

    def run(self, graph: Graph) -> Graph:
        if graph.ops.isdisjoint({ops.reshape}) or graph.ops.isdisjoint({ops.transpose}):
            return graph
        made: dict[Node, Node] = {}
        names: dict[Node, str] = {}

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            new = node.with_args(args)
            if not is_copied(new):
                return new.map_subgraphs(self.run)
            (array,) = args
            if array not in made:
                made[array] = ops.detached(array)
                names[made[array]] = _name(node.args[0], graph)
            return new.with_args((made[array],))

        after = graph.rewrite(step)
        return after.told(names={**names, **after.names}) if made else after


def is_copied(node: Node) -> bool:
    """Whether a reshape puts the rows of a transposed array one below the other."""
    if node.op is not ops.reshape or node.args[0].op is not ops.transpose:
        return False
    array = node.args[0]
    moved = array["axes"][-1] != array.rank - 1
    return moved and 1 < node.rank < array.rank and node.shape[-1] == array.shape[-1]


def _name(array: Node, graph: Graph) -> str:
    """What a transposed array in memory of its own is called; a statement is its own with a name."""
    known = graph.names.get(array) or graph.names.get(array.args[0])
    return f"{known}_turned" if known else "turned"
