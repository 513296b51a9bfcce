"""A number in an array of objects: NumPy computes with such elements, and each makes the nodes it stands for.

>>> from autodiffc.compiler.ops import argument
>>> from autodiffc.compiler.types import Type
>>> total = Element(argument("x", Type("real"))) * 2.0 + 1.0
>>> total.node.op.name, total.node.args[0].op.name
('add', 'mul')
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ir import Node, const
from .fold import Unknown

# What stands around the parts of an adjoint that are put in their places: zeros that need not be added.
NOTHING = const(0.0)


class Element:
    """A number in an array: the node that computes it. NumPy computes with arrays of them."""

    __slots__ = ("node",)

    def __init__(self, node: Node):
        self.node = node

    def __add__(self, other: Any) -> Element:
        return self if _is_nothing(other) else Element(sum_of(self.node, node_of(other)))

    def __radd__(self, other: Any) -> Element:
        return self if _is_nothing(other) else Element(sum_of(node_of(other), self.node))

    def __sub__(self, other: Any) -> Element:
        return Element(ops.sub(self.node, node_of(other)))

    def __rsub__(self, other: Any) -> Element:
        return Element(ops.sub(node_of(other), self.node))

    def __mul__(self, other: Any) -> Element:
        return Element(ops.mul(self.node, node_of(other)))

    def __rmul__(self, other: Any) -> Element:
        return Element(ops.mul(node_of(other), self.node))

    def __truediv__(self, other: Any) -> Element:
        return Element(ops.div(self.node, node_of(other)))

    def __neg__(self) -> Element:
        return Element(ops.neg(self.node))

    def __bool__(self) -> bool:
        raise Unknown

    def __eq__(self, other: object) -> bool:
        raise Unknown

    def conjugate(self) -> Element:
        return self


def sum_of(a: Node, b: Node) -> Node:
    """a + b, without what is there to fill a place."""
    return b if a is NOTHING else a if b is NOTHING else ops.add(a, b)


def _is_nothing(value: object) -> bool:
    """The 0 that an array of objects begins with, where elements are put or added."""
    return type(value) is int and value == 0


def node_of(value: Any) -> Node:
    if isinstance(value, Element):
        return value.node
    return const(value.item() if isinstance(value, np.generic) else value)
