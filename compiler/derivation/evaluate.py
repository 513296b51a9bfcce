"""The value of formulas: what shows that they say what the compiled gradient computes.

>>> from .tree import Product, Symbol, Transpose
>>> from .tree import Equation
>>> outer = Product((Symbol("x"), Transpose(Symbol("d"))), "matrix")
>>> gradient = Equation(Symbol("W", "derivative", "L"), outer)
>>> run = Evaluation({Symbol("x"): np.array([1.0, 2.0]), Symbol("d"): np.array([3.0])}, {})
>>> run.line(gradient)
>>> run.values[Symbol("W", "derivative", "L")].tolist()
[[3.0], [6.0]]

Values are NumPy arrays, indices are numbers: an element formula is evaluated once for each element, which is
slow and leaves no doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..ops.control import is_local
from . import tree
from .lines import Branch, Line, Loop
from .tree import Element, Equation, Formula, Index, Indicator, Merged, Symbol, parts_of

TOTALS: dict[str, Callable[[Any], Any]] = {
    "Σ": sum, "∏": prod, "max": max, "min": min,
    "argmax": lambda terms: int(np.argmax(terms)), "argmin": lambda terms: int(np.argmin(terms)),
}  # fmt: skip
NOTHING = {"argmax": -np.inf, "argmin": np.inf}  # where the condition of a position doesn't hold
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less, "≤": np.less_equal, ">": np.greater, "≥": np.greater_equal,
    "=": np.equal, "≠": np.not_equal,
}  # fmt: skip


def _separated(left: Formula) -> tuple[tuple[Symbol, ...], tuple[Formula, ...]]:
    """The arrays on the left side of an equation, and all their indices."""
    parts = (left.of, *left.by) if isinstance(left, tree.Partial) else (left,)
    arrays = [part.array if isinstance(part, Element) else part for part in parts]
    symbols = tuple(array for array in arrays if isinstance(array, Symbol))
    return symbols, tuple(i for part in parts if isinstance(part, Element) for i in part.at)


class Evaluation:
    """`values` hold what is known: of a symbol, or of a symbol at a step."""

    def __init__(self, values: Mapping[Symbol, Any], sizes: Mapping[str, int]):
        self.values: dict[Formula, Any] = {}
        self.values.update(values.items())
        self.sizes = dict(sizes)
        self.indices: dict[Index, int] = {}

    # --- lines ---

    def run(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self.line(line)

    def line(self, line: Line) -> None:
        if isinstance(line, Equation):
            self._equation(line)
        elif isinstance(line, Branch):
            self.run(line.then if self.of(line.condition) else line.otherwise)
        else:
            self._loop(line)

    def _equation(self, equation: Equation) -> None:
        left = equation.left
        if isinstance(left, Symbol):
            self.values[self._stepped(left)] = np.asarray(self.of(equation.right))
            return
        symbols, at = _separated(left)
        sizes = [self._length(i) for i in at]
        result = np.empty(sizes)
        for places in product(*map(range, sizes)):
            for index, position in zip(at, places):
                self._set(index, position)
            result[places] = self.of(equation.right)
        self.values[tree.Partial(symbols[0], symbols[1:]) if symbols[1:] else self._stepped(symbols[0])] = (
            result
        )

    def _length(self, index: Formula) -> int:
        if isinstance(index, Merged):
            return prod(size.evaluate(self.sizes) for size in index.sizes)
        if isinstance(index, tree.Number):
            return 1
        assert isinstance(index, Index)
        return index.size.evaluate(self.sizes)

    def _set(self, index: Formula, position: int) -> None:
        if isinstance(index, Merged):
            sizes = tuple(size.evaluate(self.sizes) for size in index.sizes)
            for part, at in zip(index.indices, np.unravel_index(position, sizes)):
                self._set(part, int(at))
        elif isinstance(index, Index):
            self.indices[index] = position

    def _loop(self, loop: Loop) -> None:
        count, steps = int(self.of(loop.count)), 0
        for step in reversed(range(count)) if loop.reverse else range(count):
            self.indices[loop.index] = step
            if loop.condition is not None and not self.of(loop.condition):
                break
            steps += 1
            self.run(loop.lines)
        if is_local(loop.index.size):
            self.sizes.update(dict.fromkeys(loop.index.size.symbols, steps))

    def _stepped(self, symbol: Symbol) -> Symbol:
        steps = tuple(tree.Number(float(max(self.of(step), 0))) for step in symbol.steps)
        return Symbol(symbol.name, symbol.role, symbol.of, steps)

    # --- formulas ---

    def of(self, formula: Formula) -> Any:
        value: Callable[[Any], Any] = getattr(self, f"_{type(formula).__name__.lower()}")
        with np.errstate(all="ignore"):
            return value(formula)

    def _number(self, f: tree.Number) -> Any:
        return f.value

    def _size(self, f: tree.Size) -> Any:
        return f.dim.evaluate(self.sizes)

    def _index(self, f: Index) -> Any:
        return self.indices[f]

    def _merged(self, f: Merged) -> Any:
        sizes = tuple(size.evaluate(self.sizes) for size in f.sizes)
        places = tuple(int(self.of(i)) for i in f.indices)
        if not all(0 <= place < size for place, size in zip(places, sizes)):
            return -1  # no position at all, to be compared with one
        return int(np.ravel_multi_index(places, sizes))

    def _symbol(self, f: Symbol) -> Any:
        return self.values[self._stepped(f)]

    def _sum(self, f: tree.Sum) -> Any:
        return sum(-self.of(t) if minus else self.of(t) for t, minus in zip(f.terms, f.minus))

    def _product(self, f: tree.Product) -> Any:
        if f.way == "matrix":
            return self._matrix_product(f.factors)
        result: Any = 1.0
        gates = [any(isinstance(part, Indicator) for part in parts_of(factor)) for factor in f.factors]
        for factor, gate in sorted(zip(f.factors, gates), key=lambda pair: not pair[1]):
            result = result * self.of(factor)
            if gate and np.ndim(result) == 0 and result == 0:
                return 0.0  # what is not used need not exist: an element outside of an array
        return result

    def _matrix_product(self, factors: tuple[Formula, ...]) -> Any:
        """Vectors are columns; transposed ones are rows."""
        parts = []
        for factor in factors:
            row = isinstance(factor, tree.Transpose) and np.ndim(self.of(factor.matrix)) == 1
            value = np.asarray(self.of(factor))
            parts.append(
                (value.reshape(1, -1) if row else value[:, None] if value.ndim == 1 else value, row, value)
            )
        result = parts[0][0]
        for matrix, _, _ in parts[1:]:
            result = result @ matrix
        if parts[-1][2].ndim == 1 and not parts[-1][1]:
            result = result[..., 0]
        return result[0] if parts[0][1] else result

    def _fraction(self, f: tree.Fraction) -> Any:
        return np.divide(self.of(f.top), self.of(f.bottom))

    def _power(self, f: tree.Power) -> Any:
        return np.power(np.asarray(self.of(f.base), float), self.of(f.exponent))

    def _root(self, f: tree.Root) -> Any:
        return np.sqrt(self.of(f.radicand))

    def _between(self, f: tree.Between) -> Any:
        rules: dict[str, Callable[[Any], Any]] = {
            "|": np.abs, "‖": np.linalg.norm, "⌊": np.floor, "⌈": np.ceil,
        }  # fmt: skip
        return rules[f.left](self.of(f.inner))

    def _transpose(self, f: tree.Transpose) -> Any:
        return np.transpose(self.of(f.matrix))

    def _inverse(self, f: tree.Inverse) -> Any:
        inverse = np.linalg.inv(self.of(f.matrix))
        return inverse.T if f.transposed else inverse

    def _relation(self, f: tree.Relation) -> Any:
        return RELATIONS[f.sign](self.of(f.left), self.of(f.right))

    def _logic(self, f: tree.Logic) -> Any:
        parts = [self.of(c) for c in f.conditions]
        if f.word == "not":
            return np.logical_not(parts[0])
        return reduce(np.logical_and if f.word == "and" else np.logical_or, parts)

    def _indicator(self, f: Indicator) -> Any:
        return np.where(self.of(f.condition), 1.0, 0.0)

    def _total(self, f: tree.Total) -> Any:
        ranges = [range(index.size.evaluate(self.sizes)) for index in f.indices]
        terms = []
        for places in product(*ranges):
            self.indices.update(zip(f.indices, places))
            if f.condition is None or self.of(f.condition):
                self.indices.update(zip(f.indices, places))
                terms.append(self.of(f.term))
            elif f.sign in NOTHING:
                terms.append(NOTHING[f.sign])
        return TOTALS[f.sign](terms)

    def _element(self, f: Element) -> Any:
        array, places = np.asarray(self.of(f.array)), tuple(int(self.of(i)) for i in f.at)
        if f.padded and not all(0 <= place < size for place, size in zip(places, array.shape)):
            return 0.0
        return array[places]

    def _cases(self, f: tree.Cases) -> Any:
        return self.of(f.then if self.of(f.condition) else f.otherwise)

    def _call(self, f: tree.Call) -> Any:
        args = [np.asarray(self.of(a)) for a in f.args]
        if f.run is not None:
            return f.run(self.sizes, *args)
        return getattr(np, f.name)(*args)
