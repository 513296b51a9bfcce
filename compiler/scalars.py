"""Scalars that remember how they came about: a straight-line program, differentiated as it runs.

A `Number` is a value in high precision, its derivatives along the directions asked for (forward mode), and,
while that is small, its formula in the arguments' symbols. NumPy computes with arrays of them:

>>> program = ScalarProgram()
>>> x = program.leaf("x", 2.0, {0: (1.0, 1.0)})
>>> y = np.exp(np.array([x, 3 * x], dtype=object)).sum()
>>> print(y.expression, round(float(y.tangents[0][0]), 6))
exp(3*x) + exp(x) 1217.675437

Each operation is a `Formula`; its partial derivatives are SymPy's. A comparison picks by value, and how near
it came to the other outcome is kept in `ScalarProgram.margin`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf, isfinite
from typing import Any

import numpy as np

from .formulas import Expression, Formula, constant, formula

SMALL = 60  # nodes of a formula that is still differentiated as a whole
ROOM = 1_500_000  # numbers and tangents made before the model counts as too large

Tangents = dict[int, tuple[Any, float]]
Variable = tuple[int, int]  # of a derivative in the model: the level that it is at, the element


class TooLarge(Exception):
    """The time or the room for the scalar expansion has run out."""


class Number:
    """A scalar of the program: a value, its error in ulps, its derivatives, its formula while that is small.

    A tangent is a derivative and the sum of the magnitudes that cancelled in it, the scale of its rounding
    error. `slopes` are derivatives that the model itself computes with: numbers, with tangents of their own
    and with slopes of outer levels.
    """

    __slots__ = ("expression", "noise", "program", "slopes", "tangents", "value")
    __hash__ = object.__hash__

    def __init__(
        self,
        program: ScalarProgram,
        value: Any,
        noise: float = 0.0,
        tangents: Tangents | None = None,
        expression: Expression | None = None,
    ):
        self.program = program
        self.value = value
        self.noise = noise
        self.tangents = tangents or {}
        self.expression = expression
        self.slopes: dict[Variable, Number] = {}

    def __add__(self, other: Any) -> Number:
        return self.program.apply(formula("x + y", "x", "y"), self, other)

    def __sub__(self, other: Any) -> Number:
        return self.program.apply(formula("x - y", "x", "y"), self, other)

    def __rsub__(self, other: Any) -> Number:
        return self.program.apply(formula("x - y", "x", "y"), other, self)

    def __mul__(self, other: Any) -> Number:
        return self.program.apply(formula("x*y", "x", "y"), self, other)

    def __truediv__(self, other: Any) -> Number:
        return self.program.apply(formula("x/y", "x", "y"), self, other)

    def __rtruediv__(self, other: Any) -> Number:
        return self.program.apply(formula("x/y", "x", "y"), other, self)

    def __pow__(self, other: Any) -> Number:
        if isinstance(other, int):
            return self.program.apply(formula(f"x**({other})", "x"), self)
        return self.program.apply(formula("x**y", "x", "y"), self, other)

    def __neg__(self) -> Number:
        return self.program.apply(formula("-x", "x"), self)

    def __abs__(self) -> Number:
        return self.program.apply(formula("Abs(x)", "x"), self)

    __radd__ = __add__
    __rmul__ = __mul__

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < self.program.compared(self, other))

    def __le__(self, other: Any) -> bool:
        return bool(self.value <= self.program.compared(self, other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > self.program.compared(self, other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= self.program.compared(self, other))

    def __eq__(self, other: object) -> bool:
        return bool(self.value == self.program.compared(self, other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        raise TypeError("a symbolic value has no truth value")

    def conjugate(self) -> Number:
        return self

    def with_slopes(self, slopes: Mapping[Variable, Number]) -> Number:
        """The same number with other slopes."""
        copy = Number(self.program, self.value, self.noise, self.tangents, self.expression)
        copy.slopes = dict(slopes)
        return copy

    def outside(self, level: int) -> Number:
        """The number as it is for outer levels."""
        if all(k < level for k, _ in self.slopes):
            return self
        return self.with_slopes({key: slope for key, slope in self.slopes.items() if key[0] < level})

    @property
    def held(self) -> Number:
        """The value, as one that nothing is differentiated through."""
        return Number(self.program, self.value, self.noise)


def _method(text: str) -> Callable[[Number], Number]:
    return lambda self: self.program.apply(formula(text, "x"), self)


# NumPy calls these for arrays of objects: np.exp(array) is array[i].exp().
for _name, _text in {
    "exp": "exp(x)", "log": "log(x)", "sqrt": "sqrt(x)", "expm1": "exp(x) - 1", "log1p": "log(1 + x)",
    "sin": "sin(x)", "cos": "cos(x)", "tanh": "tanh(x)", "square": "x**2", "fabs": "Abs(x)",
}.items():  # fmt: skip
    setattr(Number, _name, _method(_text))


class ScalarProgram:
    """The straight-line program, built and run at once; `steps` scales each direction's distance to kinks."""

    def __init__(self, steps: Sequence[float] = (), deadline: float = inf):
        import mpmath

        self.mp = mpmath.mp
        self.steps = steps
        self.deadline = deadline
        self.margin = inf
        self.room = ROOM
        self.leaves: dict[Expression, Number] = {}

    def number(self, value: Any) -> Number:
        if isinstance(value, Number):
            return value
        self._account(())
        plain = value.item() if isinstance(value, np.generic) else value
        return Number(self, self.mp.mpf(plain), expression=constant(plain) if isfinite(plain) else None)

    def leaf(self, name: str, value: float, tangents: Tangents) -> Number:
        from sympy import Symbol

        self._account(())
        symbol = Symbol(name, real=True)
        self.leaves[symbol] = Number(self, self.mp.mpf(value), 0.0, tangents, symbol)
        return self.leaves[symbol]

    def apply(self, formula: Formula, *operands: Any) -> Number:
        """One statement of the program."""
        self._account(operands)
        numbers = tuple(map(self.number, operands))
        values = tuple(n.value for n in numbers)
        value = self.call(formula, values)
        self._meet_kinks(formula, numbers, values)
        noise, tangents = self._chain(formula, numbers, values)
        noise += abs(float(value))
        result = Number(self, value, noise, tangents, _whole(formula, numbers))
        for variable in {v: None for number in numbers for v in number.slopes}:
            result.slopes[variable] = self._slope(formula, numbers, variable)
        return result

    def _slope(self, formula: Formula, numbers: tuple[Number, ...], variable: Variable) -> Number:
        """The derivative by a variable, in numbers that are differentiated in turn."""
        outer = tuple(n.outside(variable[0]) for n in numbers)
        total = self.number(0)
        for position, operand in enumerate(numbers):
            if variable in operand.slopes:
                partial = self.apply(formula.partial(position), *outer)
                total = total + (partial.held if _is_nothing(partial) else partial * operand.slopes[variable])
        return total

    def _account(self, operands: Iterable[Any]) -> None:
        self.room -= 1 + sum(len(o.tangents) for o in operands if isinstance(o, Number))
        if self.room < 0 or time.monotonic() > self.deadline:
            raise TooLarge

    def call(self, formula: Formula, values: tuple[Any, ...]) -> Any:
        try:
            return self.real(formula.value(*values))
        except (ZeroDivisionError, ValueError, OverflowError):
            return self.mp.nan

    def real(self, result: Any) -> Any:
        """A real result; NaN for one that is not."""
        value = self.mp.mpmathify(result)
        return value.real if not hasattr(value, "_mpc_") or value.imag == 0 else self.mp.nan

    def _chain(
        self, formula: Formula, numbers: tuple[Number, ...], values: tuple[Any, ...]
    ) -> tuple[float, Tangents]:
        noise = 0.0
        tangents: Tangents = {}
        for position, operand in enumerate(numbers):
            if not operand.tangents and not operand.noise:
                continue
            slope = self.call(formula.partial(position), values)
            if slope == 0:
                continue  # not used: a NaN in a branch that isn't taken stays there
            size = abs(float(slope))
            noise += size * operand.noise
            for key, (tangent, floor) in operand.tangents.items():
                before, below = tangents.get(key, (0, 0.0))
                tangents[key] = (before + slope * tangent, below + size * floor)
        return noise, tangents

    def _meet_kinks(self, formula: Formula, numbers: tuple[Number, ...], values: tuple[Any, ...]) -> None:
        for kink in formula.kinks if any(n.tangents for n in numbers) else ():
            _, tangents = self._chain(kink, numbers, values)
            self._keep_away(self.call(kink, values), tangents)

    def _keep_away(self, distance: Any, tangents: Mapping[int, tuple[Any, float]]) -> None:
        reach = max((abs(float(t)) * self.steps[k] for k, (t, _) in tangents.items()), default=0.0)
        if reach > 0.0:
            self.margin = min(self.margin, abs(float(distance)) / reach)

    def compared(self, left: Number, right: Any) -> Any:
        """The other side of a comparison, whose outcome is noted as a choice."""
        other = self.number(right)
        difference = left - other
        self._keep_away(difference.value, difference.tangents)
        return other.value


def _is_nothing(number: Number) -> bool:
    """Whether it is 0 all around: a NaN in a branch that isn't taken stays there."""
    return bool(number.value == 0) and not number.tangents and not number.slopes


def _whole(formula: Formula, numbers: tuple[Number, ...]) -> Expression | None:
    """The formula in the arguments' symbols, while it is small and has no branches."""
    if formula.kinks or any(n.expression is None for n in numbers):
        return None
    whole = formula.expression.xreplace({s: n.expression for s, n in zip(formula.symbols, numbers)})
    return whole if _fits(whole) else None


def _fits(expression: Expression) -> bool:
    from sympy import preorder_traversal

    return all(count < SMALL for count, _ in enumerate(preorder_traversal(expression)))
