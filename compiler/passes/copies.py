"""What a reshape has to copy is a value of its own: for that the emitter has memory.

    x.swapaxes(-2, -1).reshape(B * T, H)     ->     rows = x.swapaxes(-2, -1).copy()
                                                    rows.reshape(B * T, H)

An array of which the last axis lies elsewhere in memory has no view in which rows follow rows. Of arrays that
are joined, and copied as a whole as well, the copy has parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..ops.indexing import whole
from ..types import Dim


@record(frozen=True)
class Copies:
    name: str = "copies"

    def run(self, graph: Graph) -> Graph:
        if graph.ops.isdisjoint({ops.reshape}) or graph.ops.isdisjoint({ops.transpose}):
            return graph
        parts = _parts([node for node in graph.nodes() if is_copied(node)])
        graph = graph.with_images(parts) if parts else graph
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


def _parts(copied: Sequence[Node]) -> dict[Node, Node]:
    """The parts of a copy of joined arrays that stand for copies of these."""
    found: dict[Node, Node] = {}
    by_array = {(node.args[0].args[0], node.args[0]["axes"]): node for node in copied}
    for (array, axes), node in by_array.items():
        if array.op is not ops.concatenate or axes[-1] != array["axis"]:
            continue
        lead, start = [whole(size) for size in node.shape[:-1]], Dim.of(0)
        for member in array.args:
            length = member.shape[array["axis"]]
            own = by_array.get((member, axes))
            if own is not None and own.shape[:-1] == node.shape[:-1]:
                found[own] = ops.getitem(node, index=(*lead, ("slice", start, length, 1)))
            start = start + length
    return found


def _name(array: Node, graph: Graph) -> str:
    """What a transposed array in memory of its own is called; a statement is its own with a name."""
    known = graph.names.get(array) or graph.names.get(array.args[0])
    return f"{known}_turned" if known else "turned"
