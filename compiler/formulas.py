"""Formulas of scalars by SymPy: an elementwise op's value, its partial derivatives, its kinks.

A `Formula` is made once for each op and evaluated in high precision as often as the model needs it:

>>> from autodiffc.compiler import ops
>>> square_root = formula_of(ops.sqrt, (None,))
>>> str(square_root.expression), str(square_root.partial(0).expression)
('sqrt(x)', '1/(2*sqrt(x))')

SymPy's derivatives know nothing of the compiler's adjoint rules: that is what makes them a check on these.
SymPy is imported when the first formula is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, cached_property
from itertools import combinations
from typing import Any

from autodiffc.grammar.records import record

from .ir import Op, Scalar

Expression = Any  # SymPy and mpmath have no types

# The functions that are one analytic expression, so that a complex argument gives the continued value.
ANALYTIC = frozenset(
    (
        *("Add", "Mul", "Pow", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan"),
        *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "Symbol", "Pi", "Exp1"),
        *("Integer", "Float", "Rational", "Half", "One", "Zero", "NegativeOne"),
    )
)


class NoFormula(Exception):
    """An op that has no symbolic form; the message names it."""


def _sympy() -> Any:
    import sympy

    return sympy


def constant(value: Scalar) -> Expression:
    """A constant as an exact SymPy number: a whole or half one as a rational, so that x**2.0 is x**2."""
    sp = _sympy()
    if isinstance(value, bool):
        return sp.true if value else sp.false
    if isinstance(value, float) and not (2 * value).is_integer():
        return sp.Float(value, 60)
    return sp.Rational(int(2 * value), 2)


@record(frozen=True, eq=False)
class Formula:
    """An expression in symbols, one for each argument that varies."""

    symbols: tuple[Expression, ...]
    expression: Expression

    @cached_property
    def value(self) -> Callable[..., Any]:
        """The value in mpmath's working precision."""
        return self._compiled("mpmath", self.expression)

    @cached_property
    def gradient(self) -> Callable[..., list[Any]]:
        """All partial derivatives at once."""
        return self._compiled("mpmath", [partial.expression for partial in self._partials])

    @cached_property
    def vectorised(self) -> Callable[..., Any]:
        """The value on NumPy arrays, complex ones too."""
        return self._compiled("numpy", self.expression)

    def _compiled(self, modules: str, expression: Expression) -> Callable[..., Any]:
        compiled: Callable[..., Any] = _sympy().lambdify(self.symbols, expression, modules)
        return compiled

    @cached_property
    def _partials(self) -> tuple[Formula, ...]:
        slopes = (_sympy().diff(self.expression, s) for s in self.symbols)
        return tuple(Formula(self.symbols, _beside_steps(slope)) for slope in slopes)

    def partial(self, position: int) -> Formula:
        """The derivative by one argument."""
        return self._partials[position]

    @cached_property
    def kinks(self) -> tuple[Formula, ...]:
        """What is zero where the formula changes its branch."""
        return tuple(Formula(self.symbols, u) for u in dict.fromkeys(_switches(self.expression)))

    @cached_property
    def analytic(self) -> bool:
        """Whether the complex step may be taken through it."""
        parts = _sympy().preorder_traversal(self.expression)
        return all(type(part).__name__ in ANALYTIC for part in parts)


def _beside_steps(slope: Expression) -> Expression:
    """The slope of a step is 0 beside it."""
    sp = _sympy()
    return slope.replace(sp.DiracDelta, lambda *_: sp.Integer(0)) if slope.has(sp.DiracDelta) else slope


def _switches(expression: Expression) -> Iterator[Expression]:
    sp = _sympy()
    for part in sp.preorder_traversal(expression):
        if isinstance(part, sp.core.relational.Relational):
            yield part.lhs - part.rhs
        elif isinstance(part, (sp.Abs, sp.sign, sp.Heaviside)):
            yield part.args[0]
        elif isinstance(part, (sp.Max, sp.Min)):
            yield from (a - b for a, b in combinations(part.args, 2))
        elif isinstance(part, (sp.floor, sp.ceiling)):
            yield part.args[0] - sp.floor(part.args[0] + sp.Rational(1, 2))


@cache
def formula_of(
    op: Op, constants: tuple[Scalar | None, ...], attrs: tuple[tuple[str, Any], ...] = ()
) -> Formula:
    """The formula of an elementwise op; `constants` has None for each argument that varies."""
    if op.sympy is None:
        raise NoFormula(f"{op.name} has no symbolic form")
    sp = _sympy()
    values = [sp.Symbol(p, real=True) if c is None else constant(c) for p, c in zip(op.params, constants)]
    expression = sp.sympify(op.sympy(sp, *values, **dict(attrs)))
    return Formula(tuple(v for v, c in zip(values, constants) if c is None), expression)


@cache
def formula(text: str, *names: str) -> Formula:
    """A formula from SymPy's notation: `formula("x*y", "x", "y")`."""
    sp = _sympy()
    symbols = tuple(sp.Symbol(name, real=True) for name in names)
    return Formula(symbols, sp.sympify(text, locals={s.name: s for s in symbols}))
