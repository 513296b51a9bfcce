"""Indices: the letters that they are called by, and positions made of them.

>>> from .tree import Index
>>> n = Index("n", Dim.symbol("N"))
>>> place(place(n, Dim.of(2)), -Dim.of(2)) == n
True
"""

from __future__ import annotations

from collections.abc import Iterator

from ..types import Dim
from .algebra import added, negated, times
from .tree import Formula, Number, Size, Sum

At = tuple[Formula, ...]
LETTERS = "ijklmnprsaehuvxqbcfgwyz"  # those that have a subscript in Unicode first


def from_front(position: Formula, length: Dim) -> Formula:
    """A position that counts from the back, if it is seen to be one, as one from the front."""
    if isinstance(position, Number) and position.value < 0:
        return added(size(length), position)
    return position


def candidates(dim: Dim) -> Iterator[str]:
    symbols = sorted(dim.symbols)
    if len(symbols) == 1 and len(symbols[0]) == 1:
        yield symbols[0].lower()
    yield from LETTERS
    number = 1
    while True:
        yield f"i{number}"
        number += 1


def size(dim: Dim) -> Formula:
    return Size(dim) if dim.known is None else Number(float(dim.known))


def place(index: Formula, start: Dim, step: int = 1) -> Formula:
    """start + step · index; the sizes and numbers in it are one."""
    moved = times(Number(float(step)), index) if step != 1 else index
    terms = list(zip(moved.terms, moved.minus)) if isinstance(moved, Sum) else [(moved, False)]
    rest: list[Formula] = []
    for term, minus in terms:
        dim = _as_dim(term)
        if dim is None:
            rest.append(negated(term) if minus else term)
        else:
            start = start - dim if minus else start + dim
    if start.terms and all(coefficient < 0 for _, coefficient in start.terms):
        return added(*rest, negated(size(Dim.of(0) - start)))
    return added(*rest, size(start))


def _as_dim(term: Formula) -> Dim | None:
    if isinstance(term, Size):
        return term.dim
    return Dim.of(int(term.value)) if isinstance(term, Number) and term.value == int(term.value) else None
