"""Sums, products and quotients of formulas as a person would write them.

Signs go out, numbers come first, equal terms and factors are collected, and fractions are opened.

>>> from .tree import ONE, Sum, Symbol
>>> a, b = Symbol("a"), Symbol("b")
>>> added(a, negated(b)) == Sum((a, b), (False, True))
True
>>> times(ONE, a) == a, times(a, quotient(ONE, b)) == quotient(a, b)
(True, True)
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd, inf, isfinite, prod

from .tree import ONE, ZERO, Formula, Fraction, Indicator, Number, Power, Product, Sum, Total, Ways


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
        if factor in above and factor != ZERO:
            above.remove(factor)
            below.remove(factor)
    top, bottom = (prod(f.value for f in side if isinstance(f, Number)) for side in (above, below))
    common = _common(top, bottom)
    if top and common != 1.0:
        above = [Number(top / common), *(f for f in above if not isinstance(f, Number))]
        below = [Number(bottom / common), *(f for f in below if not isinstance(f, Number))]
    if is_number(_product(below, "scalar"), 1.0):
        return _product(above, "scalar")
    if above and isinstance(above[-1], Total):
        return Product((Fraction(_product(above[:-1], "scalar"), _product(below, "scalar")), above[-1]))
    return Fraction(_product(above, "scalar"), _product(below, "scalar"))


def _common(top: float, bottom: float) -> float:
    """What both can be divided by, so that a fraction of numbers is shorter."""
    ratio = top / bottom if bottom else inf
    if not (isfinite(top) and isfinite(bottom) and isfinite(ratio)):
        return 1.0
    whole = top == int(top) and bottom == int(bottom)
    return bottom if ratio == int(ratio) else gcd(int(top), int(bottom)) if whole else 1.0


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
        base, exponent = factor, 1.0
        if isinstance(factor, Power) and isinstance(factor.exponent, Number):
            base, exponent = factor.base, factor.exponent.value
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
