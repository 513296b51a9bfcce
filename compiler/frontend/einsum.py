"""The subscripts of `einsum`, written out: every operand's letters and the result's.

>>> normalised("ij,jk", (2, 2))
'ij,jk->ik'
>>> normalised("...i, i", (3, 1))
'abi,i->ab'
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

from ..types import Shape, TypeProblem


def normalised(spec: str, ranks: tuple[int, ...]) -> str:
    """The explicit form without spaces and ellipses; TypeProblem(E0205) where it does not fit."""
    text = spec.replace(" ", "")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise TypeProblem("E0205", f"{_counted(len(terms), 'subscript')} for {_counted(len(ranks), 'array')}")
    for term in (*terms, result):
        _letters_only(term)
    fresh = [c for c in ascii_letters if c not in text]
    widths = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks)]
    for term, rank, width in zip(terms, ranks, widths):
        if width < 0 or (width and "..." not in term):
            raise TypeProblem("E0205", f"`{term}` names {len(term)} axes of an array of {rank}")
    batch = "".join(fresh[: max([w for w, t in zip(widths, terms) if "..." in t], default=0)])
    full = [t.replace("...", batch[len(batch) - w :] if w else "") for t, w in zip(terms, widths)]
    if arrow:
        output = result.replace("...", batch)
    else:
        letters = "".join(t.replace("...", "") for t in terms)
        output = batch + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if len(set(output)) < len(output):
        raise TypeProblem("E0205", f"`{result}` names an axis twice")
    unknown = set(output) - set("".join(full))
    if unknown:
        raise TypeProblem("E0205", f"`{sorted(unknown)[0]}` stands in the result alone")
    return f"{','.join(full)}->{output}"


def without_ones(spec: str, shapes: Sequence[Shape]) -> tuple[str, list[Shape]]:
    """The subscripts and shapes without the axes of length 1 that another operand's axis stretches.

    >>> from ..types import Dim
    >>> one, n = Dim.of(1), Dim.symbol("N")
    >>> without_ones("ab,b->ab", [(n, one), (n,)])[0]
    'a,b->ab'
    """
    left, _, result = spec.partition("->")
    terms = left.split(",")
    wide = {c for term, shape in zip(terms, shapes) for c, dim in zip(term, shape) if dim.known != 1}
    kept = [
        [(c, dim) for c, dim in zip(term, shape) if dim.known != 1 or c not in wide or term.count(c) > 1]
        for term, shape in zip(terms, shapes)
    ]
    written = ",".join("".join(c for c, _ in pairs) for pairs in kept)
    return f"{written}->{result}", [tuple(dim for _, dim in pairs) for pairs in kept]


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def _letters_only(term: str) -> None:
    rest = term.replace("...", "", 1)
    if not all(c in ascii_letters for c in rest):
        bad = next(c for c in rest if c not in ascii_letters)
        raise TypeProblem("E0205", f"subscripts are letters, `,`, `->` and `...`, not {bad!r}")
