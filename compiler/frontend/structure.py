"""Values taken apart into nodes and put together again: a loop carries nodes, a model may carry tuples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..ir import Node
from .values import Value, as_value_node


def flatten(value: Value) -> list[Node]:
    """The nodes of a number, an array or a tuple of them; TypeProblem for what is none."""
    if isinstance(value, tuple):
        return [node for part in value for node in flatten(part)]
    return [as_value_node(value)]


def rebuild(like: Value, nodes: Iterable[Node]) -> Value:
    """The same structure made of other nodes."""
    return _rebuild(like, iter(nodes))


def _rebuild(like: Value, nodes: Iterator[Node]) -> Value:
    return tuple(_rebuild(part, nodes) for part in like) if isinstance(like, tuple) else next(nodes)
