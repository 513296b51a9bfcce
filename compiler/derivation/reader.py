"""From nodes of a graph to formulas: as whole arrays in matrix notation, or element by element.

    h @ W + b        whole:   h W + b             element [n, k]:   Σ_j h[n,j] W[j,k] + b[k]

Matrix notation is the first choice. What it can't say well (sums over some axes, new axes, elements that an
array picks) raises `NeedsIndices`, and the equation is written for an element. An op that has no notation is
written as a function of its arguments.

A `Reader` goes through the model and its loops; values that have a name are symbols to it (`symbols`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from ..ir import Literal, Node, const_value
from ..types import Dim
from .algebra import times
from .axes import pairs_of
from .functions import SAME, call, elementwise
from .places import At, candidates, from_front, size
from .sums import summed
from .tree import (
    ZERO,
    Call,
    Element,
    Formula,
    Index,
    Indicator,
    Number,
    Relation,
    Symbol,
    substituted,
)

NATURAL = frozenset({"arange", "argmax", "argmin", "window_argmax"})  # steps back have their own sign
POSITIVE = frozenset({"sqrt", "exp", "abs", "square", "norm"})
SHORT = 8  # elements of a constant that are written out


class NotPlain(Exception):
    """A derivative that no short formula without further names is known for."""


class NeedsIndices(Exception):
    """A value that matrix notation has no way to write."""


@dataclass(eq=False)
class Reader:
    """symbols  what stands for the values that have an equation of their own (or are given)
    alias    what the inputs of bodies stand for outside
    steps    for each stacked result of a loop the value in the body and the index of the step
    natural  the names of arguments that are not below 0
    unit     an array that is 1 at these indices, 0 elsewhere
    moved    what depends on such an array: it has no name
    wanted   nodes that turned out to need a name, with the function that gives one
    """

    taken: set[str]
    new_name: Callable[[Node], Symbol]
    symbols: dict[Node, Formula] = field(default_factory=dict)
    alias: dict[Node, Node] = field(default_factory=dict)
    steps: dict[Node, tuple[Node, Index]] = field(default_factory=dict)
    natural: frozenset[str] = frozenset()
    unit: tuple[Node, At] | None = None
    moved: frozenset[Node] = frozenset()
    wanted: list[Node] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    _uniform: dict[Node, bool] = field(default_factory=dict)

    # --- names and indices ---

    def resolved(self, node: Node) -> Node:
        """The value that is read; |x| is x where x is never below 0."""
        while True:
            if node in self.alias:
                node = self.alias[node]
            elif node.op.name == "abs" and node not in self.symbols and self._is_positive(node.args[0]):
                node = node.args[0]
            else:
                return node

    def _is_positive(self, node: Node) -> bool:
        return self.alias.get(node, node).op.name in POSITIVE

    def letters(self, dims: Sequence[Dim]) -> tuple[Index, ...]:
        """Fresh indices: the letter of the dim, where no value is called so."""
        used = set(self.busy)
        result = []
        for dim in dims:
            letter = next(name for name in candidates(dim) if name not in used and name not in self.taken)
            used.add(letter)
            result.append(Index(letter, dim))
        return tuple(result)

    @contextmanager
    def bound(self, dims: Sequence[Dim]) -> Iterator[tuple[Index, ...]]:
        """Fresh indices that nothing inside takes again."""
        indices = self.letters(dims)
        before = len(self.busy)
        self.busy.extend(index.name for index in indices)
        try:
            yield indices
        finally:
            del self.busy[before:]

    def named(self, node: Node) -> Formula:
        """The symbol of a node, which gets an equation if it has none."""
        node = self.resolved(node)
        if node in self.moved:
            raise NotPlain
        if node not in self.symbols:
            self.symbols[node] = self.new_name(node)
            self.wanted.append(node)
        return self.symbols[node]

    # --- whole arrays ---

    def is_uniform(self, node: Node) -> bool:
        """Whether all elements are the same number, written once."""
        top = self.resolved(node)
        stack = [top]
        while stack:
            n = stack[-1]
            args = [self.resolved(a) for a in n.args] if _spreads(n) else []
            missing = [a for a in args if a not in self._uniform] if n not in self._uniform else []
            stack.extend(missing)
            if not missing:
                stack.pop()
                alike = not n.rank or (_spreads(n) and all(self._uniform[a] for a in args))
                self._uniform.setdefault(n, n not in self.symbols and alike)
        return self._uniform[top]

    def whole(self, node: Node) -> Formula:
        """The array in matrix notation; raises NeedsIndices. A uniform one is its number."""
        from .wholes import WHOLES

        node = self.resolved(node)
        if node in self.symbols:
            return self.symbols[node]
        if node in self.steps or (node in self.moved and node.rank):
            raise NeedsIndices
        if not node.rank:
            return self.element(node, ())
        if self.is_uniform(node):
            return self.element(node, tuple(ZERO for _ in node.shape))
        if node.op.name in WHOLES:
            return WHOLES[node.op.name](self, node)
        if node.op.elementwise:
            return self._elementwise_whole(node)
        if node.op.name == "const":
            return _constant(node)
        return self.function(node)

    def proper(self, node: Node) -> Formula:
        """The array in matrix notation, as an operand of what is no elementwise op."""
        if self.resolved(node).rank and self.is_uniform(node):
            raise NeedsIndices
        return self.whole(node)

    def operand(self, node: Node) -> Formula:
        """The array in matrix notation, under a name of its own if need be."""
        try:
            return self.proper(node)
        except NeedsIndices:
            return self.named(node)

    def function(self, node: Node, notes: tuple[str, ...] | None = None) -> Formula:
        """Any op as a function of its arguments; its attributes are told."""
        told = _notes(node) if notes is None else notes
        return call(node, [self.operand(a) for a in node.args], told)

    def _elementwise_whole(self, node: Node) -> Formula:
        node = seen_through(self, node)
        args = [self.resolved(a) for a in node.args]
        wide = [bool(a.rank) and not self.is_uniform(a) for a in args]
        for arg, flag in zip(args, wide):
            if flag and not _fits(node, arg):
                raise NeedsIndices
        formula = elementwise(node, [self.whole(a) for a in args], wide)
        if formula is None:
            raise NeedsIndices
        return formula

    # --- elements ---

    def element(self, node: Node, at: At) -> Formula:
        """The element of an array at these indices; of a number the number itself."""
        from .elements import ELEMENTS

        node = self.resolved(node)
        if node in self.symbols:
            return Element(self.symbols[node], at) if at else self.symbols[node]
        if node in self.steps:
            return self.at_step(node, at[0], at[1:])
        if self.unit is not None and self.is_unit(node):
            return times(*(Indicator(Relation("=", i, k)) for i, k in zip(at, self.unit[1]) if i != k))
        if node.op.elementwise:
            node = seen_through(self, node)
            args = [self.element(a, self.spread(node, a, at)) for a in node.args]
            formula = elementwise(node, args, [False] * len(args))
            assert formula is not None
            return formula
        if node.op.name in ELEMENTS:
            return ELEMENTS[node.op.name](self, node, at)
        if node.op.name in SAME:
            return self.element(node.args[0], at)
        if node.op.name == "const":
            return _constant(node, at)
        if node.op.name == "dim":
            return size(node["dim"])
        return self.part(self._alone(node), at)

    def _alone(self, node: Node) -> Formula:
        """An array that has no notation for its elements."""
        from .wholes import WHOLES

        try:
            return WHOLES[node.op.name](self, node) if node.op.name in WHOLES else self.function(node)
        except NeedsIndices:
            return self.function(node)

    @staticmethod
    def part(array: Formula, at: At) -> Formula:
        return Element(array, at) if at else array

    def spread(self, node: Node, arg: Node, at: At) -> At:
        """The indices of an operand that is broadcast to the node's shape."""
        own = at[len(at) - arg.rank :] if arg.rank else ()
        shape = node.shape[node.rank - arg.rank :]
        return tuple(
            ZERO if dim != out and dim == Dim.of(1) else i for i, dim, out in zip(own, arg.shape, shape)
        )

    def position(self, dim: Dim) -> Formula:
        return size(dim)

    def is_natural(self, node: Node) -> bool:
        """Whether ints are seen not to be below 0, where positions count from the back."""
        stack = [self.resolved(node)]
        while stack:
            n = stack.pop()
            if isinstance(self.symbols.get(n), Index) or n.op.name in NATURAL:
                continue
            if n.op.name == "argument" and n["name"] in self.natural:
                continue
            if n.op.name == "const" and (const_value(n) or 0) >= 0 and not n.rank:
                continue
            if n.op.name in ("gather", "getitem", "reshape", "transpose", "broadcast_to"):
                stack.append(self.resolved(n.args[0]))
            elif n.op.name in ("add", "mul"):
                stack.extend(self.resolved(a) for a in n.args)
            else:
                return False
        return True

    def is_unit(self, node: Node) -> bool:
        """Whether elements are 1[i = m], and 0 at what is no index of an element."""
        return self.unit is not None and self.resolved(node) is self.unit[0]

    def counted(self, array: Node, at: At, length: Dim) -> Formula:
        """An element of an array of positions along an axis, counted from the front."""
        position = self.element(array, at)
        return position if self.is_natural(array) else Call("mod", (position, self.position(length)))

    def row(self, node: Node, step: Formula) -> Formula:
        """An array at a position of its first axis: a number, a row, a matrix."""
        node = self.resolved(node)
        if node in self.steps and node not in self.symbols:
            value, index = self.steps[node]
            return substituted(self.whole(value), {index: from_front(step, index.size)})
        return Element(self.operand(node), (step,))

    def at_step(self, node: Node, step: Formula, at: At) -> Formula:
        """What a loop has stacked, at a step."""
        value, index = self.steps[node]
        return substituted(self.element(value, at), {index: from_front(step, index.size)})

    def splits(self, node: Node, axis: int) -> tuple[Dim, ...]:
        """The dims whose indices say where along an axis: several where a reshape has made them one."""
        whole = node.shape[axis]
        node = self.resolved(node)
        while node not in self.symbols and (node.op.name == "transpose" or node.op.elementwise):
            if node.op.name == "transpose":
                node, axis = self.resolved(node.args[0]), node["axes"][axis]
            else:
                same = [a for a in map(self.resolved, node.args) if a.shape == node.shape]
                node = next((a for a in same if a not in self.symbols), None) or next(iter(same), node)
                if not same:
                    break
        if node not in self.symbols and node.op.name == "reshape":
            x = node.args[0]
            for new, old in pairs_of(node.shape, x.shape) or ():
                if new == [axis] and len(old) > 1:
                    return tuple(x.shape[i] for i in old)
        return (whole,)

    def total(self, node: Node, axes: Sequence[int], at: At, sign: str = "Σ") -> Formula:
        """A reduction of the node over axes; `at` are the indices of the others."""
        with self.bound([node.shape[a] for a in axes]) as indices:
            own = iter(at)
            chosen = dict(zip(axes, indices))
            term = self.element(
                node, tuple(chosen[k] if k in chosen else next(own) for k in range(node.rank))
            )
            return summed(indices, term, sign)


def seen_through(reader: Reader, node: Node) -> Node:
    """z for relu(z) where it is compared with 0: that is where its slope is."""
    left = reader.resolved(node.args[0])
    zero = const_value(reader.resolved(node.args[1])) == 0.0 if len(node.args) == 2 else False
    inner = reader.resolved(left.args[0]) if left.op.name == "relu" else left
    if node.op.name != "greater" or not zero or inner not in reader.symbols:
        return node
    return node.with_args((inner, node.args[1]))


def _spreads(node: Node) -> bool:
    return node.op.elementwise or node.op.name in ("broadcast_to", "reshape", "zeros_like", *SAME)


def _fits(node: Node, arg: Node) -> bool:
    """Whether an operand is as large as the result, or a row that a sum adds to each row."""
    if arg.shape == node.shape:
        return True
    return node.op.name in ("add", "sub") and arg.shape == node.shape[node.rank - arg.rank :]


def _constant(node: Node, at: At = ()) -> Formula:
    value = node["value"]
    if not isinstance(value, Literal):
        return Number(float(value)) if isfinite(value) or value == value else Number(value)
    array = value.array
    places = [i.value for i in at if isinstance(i, Number)]
    if len(places) == array.ndim:
        return Number(float(array[tuple(int(p) for p in places)]))
    text = np.array2string(array, separator=", ", threshold=SHORT, floatmode="maxprec").replace("\n", "")
    return Reader.part(Call(text, (), (), lambda sizes: array), at)


def _notes(node: Node) -> tuple[str, ...]:
    return tuple(f"{key}={_text(value)}" for key, value in node.attrs if node.type.kind != "tuple")


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))})"
    return str(value)
