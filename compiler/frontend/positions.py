"""The ints by which the nodes of a model pick, and what they must be in.

E[words]                  words of real[V, D] in range(-V, V)
cross_entropy(z, y)       y in range(K): of a label -1 NumPy would make the last class
"""

from __future__ import annotations

from collections.abc import Iterator

from .. import ops
from ..ir import Node
from ..ops.indexing import whole
from ..types import Dim

Range = tuple[Dim, Dim]


def picked(node: Node) -> Iterator[tuple[Node, Range]]:
    """The nodes by which a node picks, each with the range of what can be picked."""
    if node.op.name == "cross_entropy":
        yield node.args[1], (Dim.of(0), node.args[0].shape[-1])
    elif node.op.name == "one_hot":
        yield node.args[0], (Dim.of(0), node["classes"])
    elif node.op.name == "gather":
        table, *positions = node.args
        items = [item for item in node["index"] if item[0] != "new"]
        for item, size in zip(items, table.shape):
            if item[0] == "array":
                yield positions[item[1]], (-size, size)


def reads_whole_axes(part: Node) -> bool:
    """Whether a part of an array leaves out nothing but what positions along an axis choose."""
    items = [item for item in part["index"] if item[0] != "new"]
    whole_axes = (item[0] == "array" or item == whole(size) for item, size in zip(items, part.args[0].shape))
    return all(whole_axes)


def labels_in_range(labels: Node, classes: Dim) -> Node:
    """Whether all labels are those of classes."""
    inside = ops.logical_and(ops.greater_equal(labels, 0), ops.less(labels, ops.dim_value(classes)))
    return ops.all(inside, axis=tuple(range(inside.rank)), keepdims=False) if inside.rank else inside


def overlap(first: Range | None, second: Range) -> Range:
    """What two ranges share; where that cannot be told before run time, the first."""
    if first is None:
        return second
    low, high = first[0] - second[0], first[1] - second[1]
    return (
        second[0] if low.known is not None and low.known < 0 else first[0],
        second[1] if high.known is not None and high.known > 0 else first[1],
    )
