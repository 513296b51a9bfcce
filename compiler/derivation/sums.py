"""Sums over indices: what does not depend on them stands in front."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import Dim
from .tree import (
    ONE,
    ZERO,
    Formula,
    Fraction,
    Index,
    Product,
    Sum,
    Total,
    negated,
    parts_of,
    quotient,
    substituted,
    times,
)


def summed(indices: Sequence[Index], term: Formula, sign: str = "Σ") -> Formula:
    """The total; nothing is summed over an axis of length 1."""
    single: dict[Formula, Formula] = {i: ZERO for i in indices if i.size == Dim.of(1)}
    term = substituted(term, single)
    rest = tuple(i for i in indices if i not in single)
    if not rest:
        return term
    if isinstance(term, Total) and term.sign == sign:
        return Total((*rest, *term.indices), term.term, sign)
    if sign == "Σ":
        return _factored(rest, term)
    return Total(rest, term, sign)


def _factored(indices: tuple[Index, ...], term: Formula) -> Formula:
    """Σ term, with the factors that have no index in front."""
    if isinstance(term, Sum) and len(term.terms) == 1:
        return negated(_factored(indices, term.terms[0]))
    top, bottom = (term.top, term.bottom) if isinstance(term, Fraction) else (term, ONE)
    factors = top.factors if isinstance(top, Product) and top.way == "scalar" else (top,)
    outside = [f for f in factors if not _has(f, indices)]
    inside = [f for f in factors if _has(f, indices)]
    if not inside or _has(bottom, indices):
        return times(*outside, Total(indices, quotient(times(*inside), bottom)))
    return times(quotient(ONE, bottom), *outside, Total(indices, times(*inside)))


def _has(formula: Formula, indices: tuple[Index, ...]) -> bool:
    return any(part in indices for part in parts_of(formula))
