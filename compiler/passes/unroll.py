"""Small arrays of known sizes, computed number by number.

    h = sigmoid(x @ W + b)      →     h_0 = sigmoid(x_0 * W_00 + x_1 * W_10 + b_0)
                                      h_1 = sigmoid(x_0 * W_01 + x_1 * W_11 + b_1)

A call of NumPy costs as much as some ten operations on Python's floats. What an op makes of the elements is
what its reference makes of arrays of them: of objects that stand for nodes. So an op that moves, adds and
multiplies elements needs no rule here; one that looks at their values is refused, and with it the graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Graph, Literal, Node, Origin, const
from ..ops.control import item
from ..ops.unrolled import elements, packed
from ..types import TUPLE, Type, size_of
from .fold import DTYPES, Unknown, known_value

MOST_ELEMENTS = 64  # of one array
MOST_OPS = 600  # of all numbers together
NUMBER, CALL = 40, 480  # nanoseconds of an op on floats, and on arrays
UNPACKED, PACKED = 110, 430  # of an array's elements as floats, and of floats as an array

MOVES = frozenset({
    "reshape", "transpose", "broadcast_to", "getitem", "put", "gather", "scatter_add", "concatenate", "stack",
    "flip", "roll", "repeat", "tile", "pad", "fold_pad", "diag", "diagonal", "put_diagonal", "tril", "triu",
    "set_at", "add_at", "decrement", "eye", "arange", "linspace", "zeros_like", "one_hot",
})  # fmt: skip
SUMS = frozenset({"sum", "mean", "trace", "matmul", "outer", "einsum", "contract", "tensordot", "cumsum"})
EXTREMES = {"max": ops.maximum, "min": ops.minimum, "max_shift": ops.maximum}
FREE = frozenset({"argument", "const", "dim", "reshape", "transpose", "broadcast_to", "getitem"})


class Refused(Exception):
    """A graph that is not to be computed number by number."""


class Element:
    """A number in an array: the node that computes it. NumPy computes with arrays of them."""

    __slots__ = ("node",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, node: Node):
        self.node = node

    def __add__(self, other: Any) -> Element:
        return self if _is_nothing(other) else Element(ops.add(self.node, _node(other)))

    def __radd__(self, other: Any) -> Element:
        return self if _is_nothing(other) else Element(ops.add(_node(other), self.node))

    def __sub__(self, other: Any) -> Element:
        return Element(ops.sub(self.node, _node(other)))

    def __rsub__(self, other: Any) -> Element:
        return Element(ops.sub(_node(other), self.node))

    def __mul__(self, other: Any) -> Element:
        return Element(ops.mul(self.node, _node(other)))

    def __rmul__(self, other: Any) -> Element:
        return Element(ops.mul(_node(other), self.node))

    def __truediv__(self, other: Any) -> Element:
        return Element(ops.div(self.node, _node(other)))

    def __neg__(self) -> Element:
        return Element(ops.neg(self.node))

    def __bool__(self) -> bool:
        raise Refused("its values are looked at")

    def __eq__(self, other: object) -> bool:
        raise Refused("its values are looked at")

    def conjugate(self) -> Element:
        return self


def _is_nothing(value: object) -> bool:
    """The 0 that an array of objects begins with, where elements are put or added."""
    return type(value) is int and value == 0


def _node(value: Any) -> Node:
    if isinstance(value, Element):
        return value.node
    return const(value.item() if isinstance(value, np.generic) else value)


@dataclass(frozen=True)
class Unroll:
    """All of a graph as numbers; the graph itself where that is not to be."""

    most: int = 4 * MOST_OPS
    name: str = "unroll"

    def run(self, graph: Graph) -> Graph:
        try:
            return _Unrolled(graph, self.most).graph()
        except Refused:
            return graph


def pays(graph: Graph) -> bool:
    """Whether a model is quicker number by number."""
    if not any(node.rank for node in graph.nodes()):
        return False
    try:
        after = _Unrolled(graph, MOST_OPS).graph()
    except Refused:
        return False
    return _time(after) < _time(graph)


def _time(graph: Graph) -> int:
    """A rough prediction, in nanoseconds."""
    return sum(map(_cost, graph.nodes()))


def _cost(node: Node) -> int:
    if node.op is elements:
        return UNPACKED
    if node.op is packed:
        return PACKED
    if node.op.name in FREE or node.op is item:
        return 0
    return CALL if node.rank or any(a.rank for a in node.args) else NUMBER


class _Unrolled:
    """A graph under way: for each node the array of its elements."""

    def __init__(self, graph: Graph, most: int):
        self.old = graph
        self.room = most
        self.arrays: dict[Node, Array] = {}
        self.names: dict[Node, str] = dict(graph.names)
        self.origins: dict[Node, tuple[Origin, ...]] = {}
        self.seen: set[Node] = set()

    def graph(self) -> Graph:
        for node in self.old.nodes():
            self.arrays[node] = self._checked(self._elements(node), node)
            self._told(node)
        outputs = tuple((name, self._whole(node)) for name, node in self.old.outputs)
        return replace(self.old, outputs=outputs, names=self.names, origins=self.origins)

    def _checked(self, array: Any, node: Node) -> Array:
        """An array of elements of the node's type."""
        found = np.empty(_sizes(node.type), object)
        if np.shape(array) != found.shape:
            raise Refused("another shape")
        for place, value in np.ndenumerate(np.asarray(array, object)):
            found[place] = self._element(value, node.type)
        return found

    def _element(self, value: Any, type_: Type) -> Element:
        plain = value.item() if isinstance(value, np.generic) else value
        if not isinstance(plain, Element):
            plain = Element(const(DTYPES[type_.kind](plain).item()))
        if plain.node.type.kind != type_.kind or plain.node.rank:
            raise Refused("another kind")
        return plain

    def _elements(self, node: Node) -> Any:
        """The elements of a node, from those of its arguments."""
        if node.type.kind == TUPLE or any(True for _ in node.subgraphs()) or node.op is item:
            raise Refused("a body")
        if node.op.name == "argument":
            return self._argument(node)
        if node.op.name == "const":
            value = node["value"]
            return value.array if isinstance(value, Literal) else np.asarray(value)
        if not node.rank and not any(a.rank for a in node.args):
            return self._number(node)
        operands = [self.arrays[a] for a in node.args]
        if node.op.elementwise:
            return self._elementwise(node, operands)
        if node.op.name in EXTREMES:
            return self._extreme(node, operands[0])
        if node.op.name in MOVES or node.op.name in SUMS:
            return self._moved(node, operands)
        raise Refused(node.op.name)

    def _argument(self, node: Node) -> Array:
        sizes = _sizes(node.type)
        if not sizes:
            return _single(Element(node))
        whole = elements(node)
        found = np.empty(sizes, object)
        for position, place in enumerate(np.ndindex(*sizes)):
            found[place] = Element(item(whole, position=position))
        return found

    def _number(self, node: Node) -> Array:
        """A number as it is, of other numbers."""
        if node.op.name == "dim":
            return _single(Element(node))
        return _single(Element(node.with_args(self.arrays[a][()].node for a in node.args)))

    def _elementwise(self, node: Node, operands: list[Array]) -> Array:
        attrs = dict(node.attrs)
        wide = np.broadcast_arrays(*operands)
        self._take(wide[0].size)
        found = np.empty(wide[0].shape, object)
        for place in np.ndindex(*found.shape):
            found[place] = Element(node.op(*(array[place].node for array in wide), **attrs))
        return found

    def _extreme(self, node: Node, operand: Array) -> Array:
        """The largest of the elements along axes, one after the other: NaN stays."""
        self._take(operand.size)
        axis, chosen = node["axis"], EXTREMES[node.op.name]
        larger = np.frompyfunc(lambda a, b: Element(chosen(a.node, b.node)), 2, 1)
        for position in sorted(axis, reverse=True):
            operand = np.asarray(larger.reduce(operand, axis=position, keepdims=True), object)
        return operand.reshape(_sizes(node.type))

    def _moved(self, node: Node, operands: list[Array]) -> Any:
        plain = [
            _whole_numbers(array) if a.type.kind == "int" else array for a, array in zip(node.args, operands)
        ]
        if node.op.name in SUMS:
            self._take(_products(node))
        try:
            attrs = {name: known_value(value) for name, value in node.attrs}
            return node.op.eval(*plain, **attrs)
        except (Unknown, TypeError, ValueError, IndexError) as problem:
            raise Refused(str(problem)) from None

    def _take(self, count: int) -> None:
        self.room -= count
        if self.room < 0:
            raise Refused("too much")

    def _told(self, node: Node) -> None:
        """The names and places of a node's elements."""
        array = self.arrays[node]
        if node.rank and (name := self.old.names.get(node) or node.get("name")):
            self.names.pop(node, None)
            for place, element in np.ndenumerate(array):
                if element.node.op.name != "const":
                    self.names.setdefault(element.node, f"{name}_{_digits(place, array.shape)}")
        places = self.old.origins.get(node, ())
        waiting = [element.node for element in array.flat]
        while waiting:
            current = waiting.pop()
            if current in self.seen:
                continue
            self.seen.add(current)
            if places:
                self.origins[current] = places
            waiting.extend(current.args)

    def _whole(self, node: Node) -> Node:
        """An output as the function returns it."""
        array = self.arrays[node]
        if not node.rank:
            return array[()].node  # type: ignore[no-any-return]
        if node.op.name == "argument":
            return node
        whole = packed(*(e.node for e in array.flat), shape=node.shape)
        if node in self.old.names:
            self.names[whole] = self.old.names[node]
        if node in self.old.origins:
            self.origins[whole] = self.old.origins[node]
        return whole


def _sizes(type_: Type) -> tuple[int, ...]:
    """The sizes of a small array."""
    total = size_of(type_.shape).known
    if total is None or not 0 < total <= MOST_ELEMENTS:
        raise Refused("of no small size")
    return tuple(int(dim.known or 0) for dim in type_.shape)


def _single(element: Element) -> Array:
    found = np.empty((), object)
    found[()] = element
    return found


def _whole_numbers(array: Array) -> Array:
    """Positions, which must be constants."""
    values = [element.node for element in array.flat]
    if any(node.op.name != "const" for node in values):
        raise Refused("positions are computed")
    return np.array([node["value"] for node in values], np.int64).reshape(array.shape)


def _products(node: Node) -> int:
    """About how many operations a sum of products takes."""
    count = size_of(node.shape).known or 1
    if node.op.name in ("sum", "mean", "trace", "cumsum"):
        return size_of(node.args[0].shape).known or 1
    inner = size_of(node.args[0].shape[-1:]).known or 1
    return 2 * count * (1 if node.op.name == "outer" else inner)


def _digits(place: Iterable[int], shape: tuple[int, ...]) -> str:
    """The position of an element as part of a name: `01`, or `0_11` where there are more than ten."""
    return ("_" if max(shape, default=0) > 10 else "").join(map(str, place))
