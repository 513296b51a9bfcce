"""Arrays of short rows that are made of all pairs of something: a plane for each number of a row (-O2).

    z = y[:, None, :] - y[None, :, :]            real[N, N, 3]
    d2 = sum(z**2, axis=2)
    ->  z = yT[:, :, None] - yT[:, None, :]      real[3, N, N]
        d2 = sum(z**2, axis=0)

NumPy's loops run along the last axis: over the few numbers of a row N * N times. What elementwise ops make of
smaller arrays, and sums alone read, is turned as a whole; of what it is made of, there is a copy in planes.
(Tiles have their rows in columns: see `layout.py`.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..types import TUPLE, Dim, size_of

SHORT = 16  # numbers of a row
FEW = 1000  # rows that are not worth it
DEEP = 3  # steps that an axis is followed back
ONE = Dim.of(1)


@record(frozen=True)
class Planes:
    name: str = "planes"

    def run(self, graph: Graph) -> Graph:
        if graph.on_numbers:
            return graph
        outputs = {node for _, node in graph.outputs}
        turned = {node for group in _groups(graph) if _pays(group, graph.users, outputs) for node in group}
        if not turned and not any(map(_has_bodies, graph.nodes())):
            return graph
        copies: dict[Node, Node] = {}

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            if node in turned:
                old = zip(node.args, args)
                return node.op(*(arg if a in turned else _in_planes(arg, node, copies) for a, arg in old))
            if node.op is ops.sum and node.args[0] in turned:
                return _sum(node, args[0])
            new = node.with_args(args)
            return new.map_subgraphs(self.run) if _has_bodies(node) else new

        return graph.rewrite(step)


def _has_bodies(node: Node) -> bool:
    """Whether it is a loop or a branch; tiles have their rows in columns."""
    return node.type.kind == TUPLE and node.op is not ops.tiled


def _groups(graph: Graph) -> Iterator[list[Node]]:
    """What elementwise ops make of each other in arrays of one shape with short rows."""
    leaders: dict[Node, Node] = {}

    def leader(node: Node) -> Node:
        while leaders[node] is not node:
            leaders[node] = node = leaders[leaders[node]]
        return node

    for node in graph.nodes():
        if _has_short_rows(node):
            leaders[node] = node
            for arg in node.args:
                if arg in leaders and arg.shape == node.shape:
                    leaders[leader(arg)] = leader(node)
    groups: dict[Node, list[Node]] = {}
    for node in leaders:
        groups.setdefault(leader(node), []).append(node)
    yield from groups.values()


def _has_short_rows(node: Node) -> bool:
    if node.rank < 3 or not node.op.elementwise or node.attrs:
        return False
    *rows, width = (dim.known for dim in node.shape)
    count = size_of(node.shape[:-1]).known
    return width is not None and 1 < width <= SHORT and 1 not in rows and (count is None or count > FEW)


def _pays(group: Sequence[Node], users: Mapping[Node, Sequence[Node]], outputs: set[Node]) -> bool:
    """Whether sums alone read it, and it is made of what is smaller: of parts of rows, or of few rows."""
    inside = set(group)
    read = {user for node in group for user in users.get(node, ())} - inside
    given = [arg for node in group for arg in node.args if arg.rank and arg not in inside]
    kept = inside.isdisjoint(outputs) and all(user.op is ops.sum for user in read)
    whole = any(arg.shape == group[0].shape for arg in given)
    return kept and not whole and any(arg.shape[-1] != ONE for arg in given)


def _in_planes(arg: Node, node: Node, copies: dict[Node, Node]) -> Node:
    """An operand of a step on planes: its last axis comes first."""
    if not arg.rank:
        return arg
    if arg.shape[-1] == ONE:
        return _without_last(arg)
    base = arg.args[0] if arg.op is ops.reshape else arg
    if [dim for dim in arg.shape if dim != ONE] != [*base.shape]:
        base = arg
    if base not in copies:
        axes = (base.rank - 1, *range(base.rank - 1))
        copies[base] = base if base.rank == 1 else ops.detached(ops.transpose(base, axes=axes))
    before = (ONE,) * (node.rank - arg.rank)
    return ops.reshape(copies[base], shape=(arg.shape[-1], *before, *arg.shape[:-1]))


def _without_last(array: Node, depth: int = DEEP) -> Node:
    """An array without its last axis, which has length 1: what it was before it was given one."""
    shape = array.shape[:-1]
    if array.op is ops.reshape and array.args[0].shape == shape:
        return array.args[0]
    alike = all(not arg.rank or arg.shape == array.shape for arg in array.args)
    if depth and array.op.elementwise and not array.attrs and alike:
        return array.op(*(_without_last(arg, depth - 1) if arg.rank else arg for arg in array.args))
    return ops.reshape(array, shape=shape)


def _sum(node: Node, planes: Node) -> Node:
    """The sum of rows in planes, with its axes in the order that they had."""
    last = planes.rank - 1
    axes = tuple(sorted(0 if axis == last else axis + 1 for axis in node["axis"]))
    total = ops.sum(planes, axis=axes, keepdims=False)
    if axes[0] and total.rank > 1:
        total = ops.detached(ops.transpose(total, axes=(*range(1, total.rank), 0)))
    return total if total.shape == node.shape else ops.reshape(total, shape=node.shape)
