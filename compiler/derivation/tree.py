"""Formulas as trees: what the printers print and the evaluator evaluates.

    h_t W + b        Sum((Product((h_t, W), MATRIX), b))

A formula stands for an array (`h W + b`) or for a number, an element of arrays at indices
(`Σ_k h[n,k] W[k,j] + b[j]`). Products know what multiplies: numbers and elements ("scalar"), arrays element
by element ("each"), or matrices ("matrix"; a vector is a column there).

>>> difference = Sum((Symbol("a"), Symbol("b")), (False, True))
>>> [part.name for part in parts_of(difference) if isinstance(part, Symbol)]
['b', 'a']
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, fields, replace
from typing import Any, Literal

from autodiffc.grammar.records import record

from ..types import Dim


@record(frozen=True)
class Formula:
    """Any node of a tree."""

    def parts(self) -> Iterator[Formula]:
        for each in fields(self):
            value = getattr(self, each.name)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Formula):
                    yield part


Role = Literal["value", "adjoint", "derivative"]
Ways = Literal["scalar", "each", "matrix"]


@record(frozen=True)
class Number(Formula):
    value: float


@record(frozen=True)
class Size(Formula):
    """A dim as a number."""

    dim: Dim


@record(frozen=True)
class Index(Formula):
    """A position along an axis: bound by a sum, or on the left side of an equation."""

    name: str
    size: Dim


@record(frozen=True)
class Merged(Formula):
    """Positions along several axes that a reshape has made one: (i, j) counts as i·n + j."""

    indices: tuple[Formula, ...]
    sizes: tuple[Dim, ...]


@record(frozen=True)
class Symbol(Formula):
    """A value by its name, the adjoint δ of a value, or the derivative ∂of/∂name."""

    name: str
    role: Role = "value"
    of: str = ""
    steps: tuple[Formula, ...] = ()  # of the loops that it is in, the outermost first


@record(frozen=True)
class Partial(Formula):
    """∂r[n]/∂x[m], or of the second order ∂²f/∂x∂y."""

    of: Formula
    by: tuple[Formula, ...]


@record(frozen=True)
class Sum(Formula):
    terms: tuple[Formula, ...]
    minus: tuple[bool, ...]


@record(frozen=True)
class Product(Formula):
    factors: tuple[Formula, ...]
    way: Ways = "scalar"


@record(frozen=True)
class Fraction(Formula):
    top: Formula
    bottom: Formula


@record(frozen=True)
class Power(Formula):
    base: Formula
    exponent: Formula


@record(frozen=True)
class Root(Formula):
    radicand: Formula


@record(frozen=True)
class Between(Formula):
    """|x|, ‖x‖, ⌊x⌋, ⌈x⌉."""

    left: str
    inner: Formula
    right: str


@record(frozen=True)
class Transpose(Formula):
    matrix: Formula


@record(frozen=True)
class Inverse(Formula):
    """The inverse of a matrix, or its transpose."""

    matrix: Formula
    transposed: bool = False


@record(frozen=True)
class Relation(Formula):
    sign: str
    left: Formula
    right: Formula


@record(frozen=True)
class Logic(Formula):
    """Conditions joined by `and` or `or`; `not` has one part."""

    word: str
    conditions: tuple[Formula, ...]


@record(frozen=True)
class Indicator(Formula):
    """1 where the condition holds, else 0."""

    condition: Formula


@record(frozen=True)
class Total(Formula):
    """Σ (or another operator, as max) over indices, those for which a condition holds.

    The value of argmax is the position, among those of the indices, of the first of the largest.
    """

    indices: tuple[Index, ...]
    term: Formula
    sign: str = "Σ"
    condition: Formula | None = None


@record(frozen=True)
class Element(Formula):
    """An array at positions of its first axes; 0 outside of it if `padded`."""

    array: Formula
    at: tuple[Formula, ...]
    padded: bool = False


@record(frozen=True)
class Cases(Formula):
    condition: Formula
    then: Formula
    otherwise: Formula


@record(frozen=True)
class Call(Formula):
    """A function by its name; `run` gives its value from those of the arguments and the sizes of dims."""

    name: str
    args: tuple[Formula, ...]
    notes: tuple[str, ...] = ()  # what else it is told: `axis=0`
    run: Callable[..., Any] | None = field(default=None, compare=False, repr=False)


@record(frozen=True)
class Equation:
    left: Formula
    right: Formula


ZERO = Number(0.0)
ONE = Number(1.0)


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
    changes: dict[str, Any] = {}
    for each in fields(formula):
        value = getattr(formula, each.name)
        if isinstance(value, Formula):
            changes[each.name] = done[value]
        elif isinstance(value, tuple) and any(isinstance(v, Formula) for v in value):
            changes[each.name] = tuple(done[v] for v in value)
    return replace(formula, **changes) if changes else formula
