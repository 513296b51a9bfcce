"""Parts of rows that the same positions pick: the rows are picked once, and the parts are views of them.

    r, C = cameras[i, :3], cameras[i, 3:]     ->     rows = cameras[i]; r, C = rows[:, :3], rows[:, 3:]

Then the adjoint puts the parts' cotangents side by side and adds them up once. For parts that together are
at least half of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..ops.indexing import whole
from ..types import Dim

Group = tuple[Node, Node, int]


@record(frozen=True)
class Rows:
    name: str = "rows"

    def run(self, graph: Graph) -> Graph:
        groups = [parts for parts in _groups(graph).values() if _pays(parts)]
        first = {part: parts[0] for parts in groups for part in parts}
        if not first and not graph.bodies:
            return graph
        rows: dict[Node, Node] = {}

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            new = node.with_args(args)
            if node not in first:
                return new.map_subgraphs(self.run)
            if first[node] not in rows:
                rows[first[node]] = _rows(new)
            return _part(new, rows[first[node]])

        return graph.rewrite(step)


def _groups(graph: Graph) -> Mapping[Group, Sequence[Node]]:
    """The parts of rows that are picked from one array by one other, by the axis of which they are slices."""
    found: dict[Group, list[Node]] = {}
    for node in graph.nodes():
        axis = _sliced(node)
        if axis is not None:
            found.setdefault((node.args[0], node.args[1], axis), []).append(node)
    return found


def _sliced(node: Node) -> int | None:
    """The only axis along which a gather by one array of positions takes no more than a slice."""
    if node.op is not ops.gather or len(node.args) != 2 or not node.args[1].rank:
        return None
    plain = [item[0] for item in node["index"]]
    if plain.count("array") != 1 or plain.count("slice") != len(plain) - 1:
        return None
    cut = [i for i, item in enumerate(node["index"]) if item[0] == "slice" and item != _whole(node, i)]
    return cut[0] if len(cut) == 1 else None


def _whole(node: Node, axis: int) -> tuple[object, ...]:
    return whole(node.args[0].shape[axis])


def _pays(parts: Sequence[Node]) -> bool:
    """Whether there are several, which are at least half of the rows."""
    axis = _sliced(parts[0])
    assert axis is not None
    lengths = {part["index"][axis]: part["index"][axis][2] for part in parts}
    rest = sum(lengths.values(), Dim.of(0)) * 2 - parts[0].args[0].shape[axis]
    return len(lengths) > 1 and rest.is_natural


def _rows(part: Node) -> Node:
    """What picks the whole rows."""
    items = part["index"]
    return part.op(
        *part.args,
        index=tuple(item if item[0] == "array" else _whole(part, i) for i, item in enumerate(items)),
    )


def _part(part: Node, rows: Node) -> Node:
    """The slice of the rows that a part is; where the positions stood, theirs are the axes."""
    index: list[tuple[object, ...]] = []
    for item in part["index"]:
        index += [item] if item[0] == "slice" else map(whole, part.args[1].shape)
    return ops.getitem(rows, index=tuple(index))
