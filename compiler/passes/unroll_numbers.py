"""A graph's small arrays as arrays of the nodes that compute their elements.

    y = transpose(x @ W)     →     y[0][1] = add(mul(x_10, W_00), mul(x_11, W_10)), …

What an op makes of the elements is what its reference makes of arrays of objects. NumPy computes with
`Element`, which makes a node of each operation; an op that looks at values is left on arrays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Graph, Literal, Node, Op, Origin, const
from ..ops import argument
from ..ops.control import item, may_be_missing
from ..ops.unrolled import digits, elements, packed
from ..types import Type, size_of
from .fold import DTYPES, Unknown, known_value
from .unroll_elements import NOTHING, Element, sum_of
from .unroll_small import REDUCED, SUMS, can_be_numbers, is_small, is_split


def _along(both: Op, operand: Array, node: Node) -> Array:
    """The elements along a node's axes taken together by an op of two."""
    step = np.frompyfunc(lambda a, b: Element(both(a.node, b.node)), 2, 1)
    for position in sorted(node["axis"], reverse=True):
        operand = np.asarray(step.reduce(operand, axis=position, keepdims=True), object)
    return operand.reshape(_sizes(node.type))


PLACING = frozenset({"put", "scatter_add"})


class Refused(Exception):
    """A graph of too many numbers."""


class Unrolled:
    """A graph under way: of each node its numbers, or the whole; `room` is shared by all bodies."""

    def __init__(self, graph: Graph, room: list[int], loose: Collection[Node] = ()):
        self.old = graph
        self.room = room
        self.numbers: dict[Node, Array] = {}
        self.wholes: dict[Node, Node] = {}
        self.names: dict[Node, str] = dict(graph.names)
        self.origins: dict[Node, tuple[Origin, ...]] = {}
        self.seen: set[Node] = set()
        self.inputs: list[Node] = []  # of a body
        self.loose = loose  # inputs that a branch may have left out
        self.apart: dict[Node, list[bool]] = {}  # of a loop or a branch, which results are numbers

    def graph(self) -> Graph:
        """The graph with its inputs and outputs as they were."""
        self.walk()
        outputs = tuple((name, self.whole(node)) for name, node in self.old.outputs)
        return replace(self.old, outputs=outputs, names=self.names, origins=self.origins)

    def walk(self) -> None:
        for node in self.old.nodes():
            if node not in self.numbers and node not in self.wholes:
                self._take_over(node)
            self._told(node)

    def _take_over(self, node: Node) -> None:
        if is_small(node.type) and can_be_numbers(node):
            try:
                self.numbers[node] = self._checked(self._elements(node), node)
                return
            except Unknown:
                pass
        self.wholes[node] = self._kept(node)

    # --- the two forms of a value --------------------------------------------------------------------

    def array(self, node: Node) -> Array:
        """The numbers of a small value."""
        if node not in self.numbers:
            whole, sizes = self.wholes[node], _sizes(node.type)
            if not sizes:
                return _single(Element(whole))
            parts = elements(whole)
            found = np.empty(sizes, object)
            for position, place in enumerate(np.ndindex(*sizes)):
                found[place] = Element(item(parts, position=position))
            self.numbers[node] = found
            self._told(node)
        return self.numbers[node]

    def whole(self, node: Node) -> Node:
        """A value in one piece."""
        if node not in self.wholes:
            array = self.numbers[node]
            self.wholes[node] = (
                packed(*(e.node for e in array.flat), shape=node.shape) if node.rank else _only(array)
            )
            self._told_of(self.wholes[node], node)
        return self.wholes[node]

    def _told_of(self, whole: Node, node: Node) -> None:
        if node in self.old.names:
            self.names[whole] = self.old.names[node]
        if node in self.old.origins:
            self.origins.setdefault(whole, self.old.origins[node])

    # --- nodes ---------------------------------------------------------------------------------------

    def _kept(self, node: Node) -> Node:
        """A node that stays on arrays."""
        if node.op is ops.loop:
            return self._loop(node)
        if node.op is ops.branch:
            return self._branch(node)
        if node.op is item and node.args[0] in self.apart:
            return self._item(node)
        return node.with_args(self.whole(a) for a in node.args)

    def _loop(self, node: Node) -> Node:
        """A loop that carries numbers, and is given numbers."""
        body, carried = node["body"], node["carried"]
        places = zip(node.args[1:], body.inputs[1:])
        split = [False, *(self._is_there(arg) and is_split(body, place) for arg, place in places)]
        results = [*split[1 : carried + 1], *[False] * (len(body.outputs) - carried)]
        attrs = dict(node.attrs)
        attrs["body"] = self._inside(body, node.args, split).left(results)
        if attrs.get("condition") is not None:
            attrs["condition"] = self._inside(attrs["condition"], node.args, split).left([False])
        attrs["carried"] = sum(map(_parts, node.type.items[:carried], results))
        self.apart[node] = results
        return ops.loop(*self._given(node.args, split), **attrs)

    def _branch(self, node: Node) -> Node:
        """A branch that is given numbers, and gives numbers where a result is there on both sides.

        What another branch may have left out stays whole: the side that reads it knows that it is there.
        """
        sides = {name: node[name] for name in ("then", "orelse")}
        places = zip(node.args[1:], *(side.inputs for side in sides.values()))
        split = [self._is_there(arg) and all(map(is_split, sides.values(), given)) for arg, *given in places]
        found = {name: self._inside(side, node.args[1:], split) for name, side in sides.items()}
        results = [
            not may_be_missing(item(node, position=p)) and all(s.has_numbers(p) for s in found.values())
            for p in range(len(node.type.items))
        ]
        self.apart[node] = results
        attrs = {name: side.left(results) for name, side in found.items()}
        return ops.branch(*self._given(node.args, [False, *split]), **attrs)

    def _given(self, args: Sequence[Node], split: Sequence[bool]) -> Iterator[Node]:
        """The arguments, those that are split as their numbers."""
        for arg, apart in zip(args, split):
            yield from (e.node for e in self.array(arg).flat) if apart else [self.whole(arg)]

    def _is_there(self, node: Node) -> bool:
        """Whether no branch has left a value out, or the row that it is."""
        while node.op in (ops.gather, ops.getitem):
            node = node.args[0]
        return node not in self.loose and not may_be_missing(node)

    def _inside(self, body: Graph, args: Sequence[Node], split: Sequence[bool]) -> Unrolled:
        """A body under way; it is given numbers for those of its inputs that are split."""
        loose = {old for old, arg in zip(body.inputs, args) if not self._is_there(arg)}
        inner = Unrolled(body, self.room, loose)
        for old, apart in zip(body.inputs, split):
            if apart:
                sizes = _sizes(old.type)
                names = [f"{old['name']}_{digits(p, sizes)}" for p in np.ndindex(*sizes)]
                parts = [argument(name, old.type.with_shape(())) for name in names]
                inner.numbers[old] = _array([Element(part) for part in parts], sizes)
                inner.inputs += parts
            else:
                inner.wholes[old] = old
                inner.inputs.append(old)
        inner.walk()
        return inner

    def has_numbers(self, position: int) -> bool:
        """Whether a result is a small array that is computed number by number."""
        node = self.old.outputs[position][1]
        return bool(node.rank) and node in self.numbers

    def left(self, split: Sequence[bool]) -> Graph:
        """The body, with the numbers of those results that are split."""
        outputs: list[tuple[str, Node]] = []
        for (name, result), apart in zip(self.old.outputs, split):
            if apart:
                array = self.array(result)
                places = np.ndenumerate(array)
                outputs += [(f"{name}_{digits(place, array.shape)}", e.node) for place, e in places]
            else:
                outputs.append((name, self.whole(result)))
        return Graph(tuple(self.inputs), tuple(outputs), self.names, self.origins)

    def _item(self, node: Node) -> Node:
        """A result of a loop or a branch, at its new place; of numbers the first, the others follow."""
        old, position = node.args[0], node["position"]
        new, apart = self.wholes[old], [*self.apart[old], False]
        first = sum(map(_parts, old.type.items[:position], apart))
        if not apart[position]:
            return item(new, position=first)
        numbers = [Element(item(new, position=first + k)) for k in range(_parts(node.type, True))]
        self.numbers[node] = _array(numbers, _sizes(node.type))
        return packed(*(e.node for e in numbers), shape=node.shape)

    def _checked(self, array: Any, node: Node) -> Array:
        """An array of elements of the node's type."""
        found = np.empty(_sizes(node.type), object)
        if np.shape(array) != found.shape:
            raise Unknown
        around = node.op.name in PLACING and node.type.kind == "real"
        for place, value in np.ndenumerate(np.asarray(array, object)):
            found[place] = (
                Element(NOTHING)
                if around and type(value) is int and value == 0
                else _element(value, node.type)
            )
        return found

    def _elements(self, node: Node) -> Any:
        """The elements of a node, from those of its arguments."""
        if node.op.name == "argument":
            if node.rank:
                self.wholes[node] = node
                return self.array(node)
            return _single(Element(node))
        if node.op.name == "const":
            value = node["value"]
            return value.array if isinstance(value, Literal) else np.asarray(value)
        if not node.rank and not any(a.rank for a in node.args):
            return _single(Element(node.with_args(_only(self.array(a)) for a in node.args)))
        operands = [self.array(a) for a in node.args]
        if node.op.elementwise:
            return self._elementwise(node, operands)
        if node.op.name in REDUCED:
            return self._reduced(node, operands[0])
        return self._moved(node, operands)

    def _elementwise(self, node: Node, operands: list[Array]) -> Array:
        attrs = dict(node.attrs)
        wide = np.broadcast_arrays(*operands)
        self._take(wide[0].size)
        found = np.empty(wide[0].shape, object)
        for place in np.ndindex(*found.shape):
            parts = [array[place].node for array in wide]
            found[place] = Element(sum_of(*parts) if node.op is ops.add else node.op(*parts, **attrs))
        return found

    def _reduced(self, node: Node, operand: Array) -> Array:
        """The elements along axes taken together, one after the other: of the largest, NaN stays."""
        self._take(operand.size)
        if node.op is not ops.norm:
            return _along(REDUCED[node.op.name], operand, node)
        sizes = np.frompyfunc(lambda a: Element(ops.abs(a.node)), 1, 1)(operand)
        total = _along(ops.add, sizes, node)
        if node["ord"] != 2 or operand.size == total.size:
            return total
        # hypot forgets a NaN beside an infinity; the sum of sizes has it
        kept = np.frompyfunc(lambda a, b: Element(ops.where(ops.equal(a.node, inf), b.node, a.node)), 2, 1)
        return np.asarray(kept(_along(ops.hypot, operand, node), total), object)

    def _moved(self, node: Node, operands: list[Array]) -> Any:
        kinds = [a.type.kind for a in node.args]
        plain = [_whole_numbers(a) if kind == "int" else a for a, kind in zip(operands, kinds)]
        if node.op.name in SUMS:
            self._take(_products(node))
        try:
            attrs = {name: known_value(value) for name, value in node.attrs}
            return node.op.eval(*plain, **attrs)
        except (TypeError, ValueError, IndexError):
            raise Unknown from None

    def _take(self, count: int) -> None:
        self.room[0] -= count
        if self.room[0] < 0:
            raise Refused("too much")

    def _told(self, node: Node) -> None:
        """The names and places of a node's numbers, or of what it is in one piece."""
        if node in self.wholes and node.op.name != "argument":
            self._told_of(self.wholes[node], node)
        if node not in self.numbers:
            return
        array = self.numbers[node]
        if node.rank and (name := self.old.names.get(node) or node.get("name")):
            self.names.pop(node, None)
            for place, element in np.ndenumerate(array):
                if element.node.op.name != "const":
                    self.names.setdefault(element.node, f"{name}_{digits(place, array.shape)}")
        places = self.old.origins.get(node, ())
        waiting = [element.node for element in array.flat]
        while waiting:
            current = waiting.pop()
            if current in self.seen:
                continue
            self.seen.add(current)
            if places:
                self.origins.setdefault(current, places)
            waiting.extend(current.args)


def _parts(type_: Type, apart: bool) -> int:
    """How many results a value is."""
    return int(size_of(type_.shape).known or 0) if apart else 1


def _sizes(type_: Type) -> tuple[int, ...]:
    return tuple(int(dim.known or 0) for dim in type_.shape)


def _element(value: Any, type_: Type) -> Element:
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, Element):
        plain = Element(const(DTYPES[type_.kind](plain).item()))
    if plain.node.type.kind != type_.kind or plain.node.rank:
        raise Unknown
    return plain


def _only(array: Array) -> Node:
    """The node of a number."""
    element: Element = array.item()
    return element.node


def _single(element: Element) -> Array:
    return _array([element], ())


def _array(parts: Sequence[Element], sizes: tuple[int, ...]) -> Array:
    found: Array = np.empty(len(parts), object)
    found[:] = parts
    return found.reshape(sizes)


def _whole_numbers(array: Array) -> Array:
    """Positions, which must be constants."""
    values = [element.node for element in array.flat]
    if any(node.op.name != "const" for node in values):
        raise Unknown
    positions: Array = np.array([node["value"] for node in values], np.int64).reshape(array.shape)
    return positions


def _products(node: Node) -> int:
    """About how many operations a sum of products takes."""
    count = size_of(node.shape).known or 1
    if node.op.name in ("sum", "mean", "trace", "cumsum"):
        return size_of(node.args[0].shape).known or 1
    inner = size_of(node.args[0].shape[-1:]).known or 1
    return 2 * count * (1 if node.op.name == "outer" else inner)
