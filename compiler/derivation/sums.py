"""Sums over indices: what does not depend on them stands in front."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import Dim
from .algebra import added, negated, quotient, times
from .tree import (
    ONE,
    ZERO,
    Formula,
    Fraction,
    Index,
    Indicator,
    Product,
    Relation,
    Sum,
    Total,
    parts_of,
    substituted,
)


def summed(indices: Sequence[Index], term: Formula, sign: str = "Σ") -> Formula:
    """The total; nothing is summed over an axis of length 1."""
    single: dict[Formula, Formula] = {i: ZERO for i in indices if i.size == Dim.of(1)}
    term = substituted(term, single)
    rest = tuple(i for i in indices if i not in single)
    if not rest:
        return term
    if isinstance(term, Total) and term.sign == sign and term.condition is None:
        return Total((*rest, *term.indices), term.term, sign)
    if sign == "Σ":
        return _factored(rest, term)
    return Total(rest, term, sign)


def _factored(indices: tuple[Index, ...], term: Formula) -> Formula:
    """Σ term, with the factors that have no index in front."""
    if isinstance(term, Sum) and len(term.terms) == 1:
        return negated(_factored(indices, term.terms[0]))
    if isinstance(term, Sum) and any(_solved(indices, part) for part in term.terms):
        parts = [_factored(indices, part) for part in term.terms]
        return added(*(negated(p) if minus else p for p, minus in zip(parts, term.minus)))
    if isinstance(term, Product) and term.way == "scalar":
        opened = next((f for f in term.factors if _may_open(f, indices)), None)
        if isinstance(opened, Sum):
            rest = _without(term, opened)
            terms = (times(rest, part) for part in opened.terms)
            return _factored(indices, added(*(negated(t) if m else t for t, m in zip(terms, opened.minus))))
    solved = _solved(indices, term)
    if solved is not None:
        index, other, rest = solved
        left = tuple(i for i in indices if i != index)
        term = substituted(rest, {index: other})
        return _factored(left, term) if left else term
    top, bottom = (term.top, term.bottom) if isinstance(term, Fraction) else (term, ONE)
    factors = top.factors if isinstance(top, Product) and top.way == "scalar" else (top,)
    outside = [f for f in factors if not _has(f, indices)]
    inside = [f for f in factors if _has(f, indices)]
    if not inside or _has(bottom, indices):
        return times(*outside, Total(indices, quotient(times(*inside), bottom)))
    return times(quotient(ONE, bottom), *outside, Total(indices, times(*inside)))


def _solved(indices: tuple[Index, ...], term: Formula) -> tuple[Index, Index, Formula] | None:
    """Of Σ_i a[i] 1[i = j]: i, j and a[i]."""
    top = term.top if isinstance(term, Fraction) else term
    for factor in top.factors if isinstance(top, Product) and top.way == "scalar" else (top,):
        condition = factor.condition if isinstance(factor, Indicator) else None
        if isinstance(condition, Relation) and condition.sign == "=":
            for i, j in ((condition.left, condition.right), (condition.right, condition.left)):
                if (
                    i in indices
                    and isinstance(i, Index)
                    and isinstance(j, Index)
                    and i.size == j.size
                    and i != j
                ):
                    return i, j, substituted(term, {factor: ONE}) if top is factor else _without(term, factor)
    return None


def _may_open(factor: Formula, indices: tuple[Index, ...]) -> bool:
    return isinstance(factor, Sum) and all(_solved(indices, part) for part in factor.terms)


def _without(term: Formula, factor: Formula) -> Formula:
    """A product, or a fraction of one, with a factor less."""
    top = term.top if isinstance(term, Fraction) else term
    assert isinstance(top, Product)
    rest = list(top.factors)
    rest.remove(factor)
    return quotient(times(*rest), term.bottom) if isinstance(term, Fraction) else times(*rest)


def _has(formula: Formula, indices: tuple[Index, ...]) -> bool:
    return any(part in indices for part in parts_of(formula))
