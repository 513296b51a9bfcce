"""Formulas as trees: what the printers print and the evaluator evaluates.

    h_t W + b        Sum((Product((h_t, W), MATRIX), b))

A formula stands for an array (`h W + b`) or for a number, an element of arrays at indices
(`Σ_k h[n,k] W[k,j] + b[j]`). Products know what multiplies: numbers and elements ("scalar"), arrays element
by element ("each"), or matrices ("matrix"; a vector is a column there).

>>> a, b = Symbol("a"), Symbol("b")
>>> added(a, negated(b)) == Sum((a, b), (False, True))
True
>>> times(ONE, a) == a, times(a, quotient(ONE, b)) == quotient(a, b)
(True, True)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from ..types import Dim


class Formula:
    """Any node of a tree."""

    def parts(self) -> Iterator[Formula]:
        for each in fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Formula):
                    yield part


Role = Literal["value", "adjoint", "derivative"]
Ways = Literal["scalar", "each", "matrix"]


@dataclass(frozen=True)
class Number(Formula):
    value: float


@dataclass(frozen=True)
class Size(Formula):
    """A dim as a number."""

    dim: Dim


@dataclass(frozen=True)
class Index(Formula):
    """A position along an axis: bound by a sum, or on the left side of an equation."""

    name: str
    size: Dim


@dataclass(frozen=True)
class Merged(Formula):
    """Positions along several axes that a reshape has made one: (i, j) counts as i·n + j."""

    indices: tuple[Formula, ...]
    sizes: tuple[Dim, ...]


@dataclass(frozen=True)
class Symbol(Formula):
    """A value by its name, the adjoint δ of a value, or the derivative ∂of/∂name."""

    name: str
    role: Role = "value"
    of: str = ""
    steps: tuple[Formula, ...] = ()  # of the loops that it is in, the outermost first


@dataclass(frozen=True)
class Partial(Formula):
    """∂r[n]/∂x[m], or of the second order ∂²f/∂x∂y."""

    of: Formula
    by: tuple[Formula, ...]


@dataclass(frozen=True)
class Sum(Formula):
    terms: tuple[Formula, ...]
    minus: tuple[bool, ...]


@dataclass(frozen=True)
class Product(Formula):
    factors: tuple[Formula, ...]
    way: Ways = "scalar"


@dataclass(frozen=True)
class Fraction(Formula):
    top: Formula
    bottom: Formula


@dataclass(frozen=True)
class Power(Formula):
    base: Formula
    exponent: Formula


@dataclass(frozen=True)
class Root(Formula):
    radicand: Formula


@dataclass(frozen=True)
class Between(Formula):
    """|x|, ‖x‖, ⌊x⌋, ⌈x⌉."""

    left: str
    inner: Formula
    right: str


@dataclass(frozen=True)
class Transpose(Formula):
    matrix: Formula


@dataclass(frozen=True)
class Inverse(Formula):
    """The inverse of a matrix, or its transpose."""

    matrix: Formula
    transposed: bool = False


@dataclass(frozen=True)
class Relation(Formula):
    sign: str
    left: Formula
    right: Formula


@dataclass(frozen=True)
class Logic(Formula):
    """Conditions joined by `and` or `or`; `not` has one part."""

    word: str
    conditions: tuple[Formula, ...]


@dataclass(frozen=True)
class Indicator(Formula):
    """1 where the condition holds, else 0."""

    condition: Formula


@dataclass(frozen=True)
class Total(Formula):
    """Σ (or another operator, as max) over indices, those for which a condition holds.

    The value of argmax is the position, among those of the indices, of the first of the largest.
    """

    indices: tuple[Index, ...]
    term: Formula
    sign: str = "Σ"
    condition: Formula | None = None


@dataclass(frozen=True)
class Element(Formula):
    """An array at positions of its first axes; 0 outside of it if `padded`."""

    array: Formula
    at: tuple[Formula, ...]
    padded: bool = False


@dataclass(frozen=True)
class Cases(Formula):
    condition: Formula
    then: Formula
    otherwise: Formula


@dataclass(frozen=True)
class Call(Formula):
    """A function by its name; `run` gives its value from those of the arguments and the sizes of dims."""

    name: str
    args: tuple[Formula, ...]
    notes: tuple[str, ...] = ()  # what else it is told: `axis=0`
    run: Callable[..., Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Equation:
    left: Formula
    right: Formula


ZERO = Number(0.0)
ONE = Number(1.0)


def is_number(formula: Formula, value: float) -> bool:
    return isinstance(formula, Number) and formula.value == value


def negated(formula: Formula) -> Formula:
    if isinstance(formula, Number):
        return Number(-formula.value)
    if isinstance(formula, Sum):
        if len(formula.terms) == 1 and formula.minus[0]:
            return formula.terms[0]
        return Sum(formula.terms, tuple(not sign for sign in formula.minus))
    return Sum((formula,), (True,))


def added(*terms: Formula) -> Formula:
    """The sum; sums in it are opened, negative numbers become differences."""
    flat: list[tuple[Formula, bool]] = []
    for term in terms:
        if isinstance(term, Sum):
            flat.extend(zip(term.terms, term.minus))
        elif isinstance(term, Number) and term.value < 0:
            flat.append((Number(-term.value), True))
        elif not is_number(term, 0.0):
            flat.append((term, False))
    flat = _collected(flat)
    if not flat:
        return ZERO
    if len(flat) == 1 and not flat[0][1]:
        return flat[0][0]
    if len(flat) == 2 and flat[0][1]:  # `b − a` rather than `−a + b`
        first = next((i for i, (_, minus) in enumerate(flat) if not minus), 0)
        flat.insert(0, flat.pop(first))
    return Sum(tuple(t for t, _ in flat), tuple(m for _, m in flat))


def _collected(terms: list[tuple[Formula, bool]]) -> list[tuple[Formula, bool]]:
    """2 a for a + a; nothing for a − a."""
    counts: dict[Formula, float] = {}
    for term, minus in terms:
        number, rest = _number_and_rest(term)
        counts[rest] = counts.get(rest, 0.0) + (-number if minus else number)
    if len(counts) == len(terms):
        return terms
    return [(times(Number(abs(n)), rest), n < 0) for rest, n in counts.items() if n]


def _number_and_rest(formula: Formula) -> tuple[float, Formula]:
    if isinstance(formula, Number):
        return formula.value, ONE
    if isinstance(formula, Product) and isinstance(formula.factors[0], Number) and formula.way == "scalar":
        return formula.factors[0].value, times(*formula.factors[1:])
    return 1.0, formula


def _sign_and_rest(formula: Formula) -> tuple[bool, Formula]:
    if isinstance(formula, Sum) and len(formula.terms) == 1:
        return formula.minus[0], formula.terms[0]
    if isinstance(formula, Number) and formula.value < 0:
        return True, Number(-formula.value)
    return False, formula


def times(*factors: Formula, way: Ways = "scalar") -> Formula:
    """The product; numbers come first, signs go out, fractions of 1 go below."""
    minus = False
    flat: list[Formula] = []
    for factor in factors:
        negative, rest = _sign_and_rest(factor)
        minus ^= negative
        flat.extend(rest.factors if isinstance(rest, Product) and rest.way == way else (rest,))
    if way == "each":
        result = _each(flat)
    elif way == "matrix":
        result = _product(flat, way)
    else:
        flat = [_as_fraction(f) for f in flat]
        tops = [f.top if isinstance(f, Fraction) else f for f in flat]
        result = _over(tops, [f.bottom for f in flat if isinstance(f, Fraction)])
    return negated(result) if minus else result


def _each(factors: list[Formula]) -> Formula:
    """A product element by element; numbers stand in front of it."""
    numbers: list[Formula] = []
    arrays: list[Formula] = []
    for factor in factors:
        parts = factor.factors if isinstance(factor, Product) and factor.way == "scalar" else (factor,)
        cut = 1 if isinstance(parts[0], Number) and len(parts) > 1 else 0
        numbers.extend(parts[:cut])
        arrays.append(_product(list(parts[cut:]), "scalar") if cut else factor)
    whole = _product(arrays, "each")
    return times(*numbers, whole) if numbers else whole


def _as_fraction(formula: Formula) -> Formula:
    """One half, a quarter, …: better written as a fraction."""
    if isinstance(formula, Number) and formula.value in (0.5, 0.25, 0.125, 0.0625):
        return Fraction(ONE, Number(1 / formula.value))
    return formula


def _over(above: list[Formula], below: list[Formula]) -> Formula:
    """The product of some factors over that of others; what both have goes, a Σ comes last."""
    above, below = list(_factors(above)), list(_factors(below))
    above.sort(key=lambda f: isinstance(f, Total))
    for factor in tuple(below):
        if factor in above:
            above.remove(factor)
            below.remove(factor)
    numbers = [_product([f for f in side if isinstance(f, Number)], "scalar") for side in (above, below)]
    ratio = numbers[0].value / numbers[1].value if all(isinstance(n, Number) for n in numbers) else 0.5  # type: ignore
    if ratio == int(ratio) != 0 and numbers[1] != ONE:
        above = [Number(ratio), *(f for f in above if not isinstance(f, Number))]
        below = [f for f in below if not isinstance(f, Number)]
    if is_number(_product(below, "scalar"), 1.0):
        return _product(above, "scalar")
    if above and isinstance(above[-1], Total):
        return Product((Fraction(_product(above[:-1], "scalar"), _product(below, "scalar")), above[-1]))
    return Fraction(_product(above, "scalar"), _product(below, "scalar"))


def _factors(formulas: list[Formula]) -> Iterator[Formula]:
    for formula in formulas:
        yield from formula.factors if isinstance(formula, Product) and formula.way == "scalar" else (formula,)


def _product(factors: list[Formula], way: Ways) -> Formula:
    number = 1.0
    rest: list[Formula] = []
    for factor in factors:
        if isinstance(factor, Number):
            number *= factor.value
        elif isinstance(factor, Product) and factor.way == way:
            rest.extend(factor.factors)
        else:
            rest.append(factor)
    if way == "scalar":
        rest = sorted(_powers(rest), key=lambda f: isinstance(f, Total))
    if number != 1.0 or not rest:
        rest.insert(0, Number(number))
    return rest[0] if len(rest) == 1 else Product(tuple(rest), way)


def _powers(factors: list[Formula]) -> list[Formula]:
    """Equal factors as a power."""
    exponents: dict[Formula, float] = {}
    for factor in factors:
        known = isinstance(factor, Power) and isinstance(factor.exponent, Number)
        base, exponent = (factor.base, factor.exponent.value) if known else (factor, 1.0)  # type: ignore[attr-defined]
        exponents[base] = exponents.get(base, 0.0) + exponent
    if len(exponents) == len(factors):
        return factors
    return [b if e == 1.0 or isinstance(b, Indicator) else Power(b, Number(e)) for b, e in exponents.items()]


def quotient(top: Formula, bottom: Formula) -> Formula:
    """The fraction; fractions in it are opened."""
    minus, above = _sign_and_rest(top)
    negative, below = _sign_and_rest(bottom)
    if isinstance(below, Fraction):
        above, below = times(above, below.bottom), below.top
    if isinstance(above, Fraction):
        result = _over([above.top], [above.bottom, below])
    else:
        result = _over([above], [below])
    return negated(result) if minus ^ negative else result


def cases_of(formula: Cases) -> list[tuple[Formula, Formula | None]]:
    """What holds under which condition, with those of a last case that asks the same; then what is left."""
    rows: list[tuple[Formula, Formula | None]] = []
    rest: Formula = formula
    asked = formula.condition.left if isinstance(formula.condition, Relation) else None
    while isinstance(rest, Cases) and (
        not rows or (isinstance(rest.condition, Relation) and rest.condition.left == asked)
    ):
        rows.append((rest.then, rest.condition))
        rest = rest.otherwise
    return [*rows, (rest, None)]


def parts_of(formula: Formula) -> Iterator[Formula]:
    """The formula and everything in it."""
    stack = [formula]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(part.parts())


def substituted(formula: Formula, images: Mapping[Formula, Formula]) -> Formula:
    """The formula with others in the places of some of its parts."""
    if not images:
        return formula
    order = [formula]
    for part in order:
        order.extend(() if part in images else part.parts())
    done: dict[Formula, Formula] = {}
    for part in reversed(order):
        done[part] = images[part] if part in images else _rebuilt(part, done)
    return done[formula]


def _rebuilt(formula: Formula, done: Mapping[Formula, Formula]) -> Formula:
    changes: dict[str, Formula | tuple[Formula, ...]] = {}
    for each in fields(formula):  # type: ignore[arg-type]
        value = getattr(formula, each.name)
        if isinstance(value, Formula):
            changes[each.name] = done[value]
        elif isinstance(value, tuple) and any(isinstance(v, Formula) for v in value):
            changes[each.name] = tuple(done[v] for v in value)
    return replace(formula, **changes) if changes else formula  # type: ignore[type-var]
