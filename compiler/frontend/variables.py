"""A `var`: an array whose elements are written by loops, each once; and the proof of that.

    var hs: real[T, H]
    for t in range(1, T):
        hs[t] = tanh(W @ hs[t - 1])       written at t, read at t - 1: in the step before
    hs[0] = h0                            not among t = 1 … T - 1

Every access is noted with its positions, as forms of the variables of the loops around it (see counting.py).
When the file has been read, pairs of accesses are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Union

from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

from ..types import Dim, Type
from .counting import Counter, Ranges, extreme, moving, split

Form = Union[Dim, None]  # None: a whole axis, or a part of it


@record(frozen=True, eq=False)
class Variable:
    """A `var`, and how many loops there were around its declaration."""

    name: str
    type: Type
    span: Span
    depth: int


@record(frozen=True, eq=False)
class Access:
    """A place where elements are written (`=`, `+=`) or read (``)."""

    variable: Variable
    kind: str
    forms: tuple[Form, ...]
    span: Span
    loops: tuple[Counter, ...]  # those since the declaration, outermost first
    branches: tuple[tuple[object, int, int], ...]
    ranges: Ranges


Finding = tuple[str, str, Span, str, Access | None]


def problem_of_write(write: Access) -> str | None:
    """Why it cannot be seen that a statement writes no element twice; None where it can."""
    for loop in write.loops:
        if not loop.symbol:
            return "a `while` loop has no variable that could count its writes"
        if not any(_pins(form, loop.symbol) for form in write.forms):
            name = loop.symbol.partition("?")[0]
            return f"no position is `{name}` plus a constant: each step of its loop would write there again"
    known = {loop.symbol for loop in write.loops}
    if any(form is not None and not moving(form) <= known for form in write.forms):
        return "a `var` is written at variables of `for` loops plus constants"
    return None


def _pins(form: Form, symbol: str) -> bool:
    """Whether a position is that variable times a number, plus dims: one step for each position."""
    if form is None or moving(form) != {symbol}:
        return False
    parts = split(form, symbol)
    return parts is not None and bool(parts[0].known)


def are_disjoint(a: Access, b: Access) -> bool:
    """Whether two statements are seen to write no element both."""
    shared = _shared(a.loops, b.loops)
    exclusive = _exclusive(a, b)
    if exclusive is not None and (exclusive <= a.variable.depth or a.forms == b.forms):
        return True
    pinned = {
        loop.symbol for loop in shared for f, g in zip(a.forms, b.forms) if f == g and _pins(f, loop.symbol)
    }
    return any(_apart(f, g, a, b, pinned) for f, g in zip(a.forms, b.forms))


def _shared(a: Sequence[Counter], b: Sequence[Counter]) -> list[Counter]:
    """The loops around both."""
    return [x for x, y in zip(a, b) if x is y]


def _exclusive(a: Access, b: Access) -> int | None:
    """In how many loops the `if` stands that takes either the one or the other; None where none does."""
    for (first, one, depth), (second, other, _) in zip(a.branches, b.branches):
        if first is not second:
            return None
        if one != other:
            return depth
    return None


def _apart(f: Form, g: Form, a: Access, b: Access, pinned: set[str]) -> bool:
    if f is None or g is None:
        return False
    return _below(f, g, a, b, pinned) or _below(g, f, b, a, pinned) or _never_meet(f, g)


def _below(f: Dim, g: Dim, a: Access, b: Access, pinned: set[str]) -> bool:
    """Whether all positions f are less than all positions g."""
    high = extreme(f, a.ranges, True, loose=True, keep=pinned)
    low = extreme(g, b.ranges, False, loose=True, keep=pinned)
    gap = None if high is None or low is None else low - high - 1
    if gap is None:
        return False
    least = extreme(gap, a.ranges, False, loose=True)
    return least is not None and least.is_natural


def _never_meet(f: Dim, g: Dim) -> bool:
    """2*i and 2*j + 1 are never equal."""
    symbols = [list(moving(form)) for form in (f, g)]
    parts = [split(form, s[0]) for form, s in zip((f, g), symbols) if len(s) == 1]
    if len(parts) < 2 or parts[0] is None or parts[1] is None:
        return False
    factor, gap = parts[0][0].known, (parts[0][1] - parts[1][1]).known
    return bool(factor) and parts[0][0] == parts[1][0] and gap is not None and bool(gap % (factor or 1))


def is_early(read: Access, write: Access, later: bool) -> bool:
    """Whether what is read is seen not to be written yet; `later`: the write stands below the read."""
    shared = _shared(read.loops, write.loops)
    for loop in shared:
        ahead = _steps_ahead(read, write, loop)
        if ahead is None or (-ahead - 1).is_natural:
            return False
        if (ahead - 1).is_natural:
            return True
        if ahead.known != 0:
            return False
    return later or _exclusive(read, write) is not None


def _steps_ahead(read: Access, write: Access, loop: Counter) -> Dim | None:
    """How many steps after the one that reads an element the one comes that writes it."""
    for f, g in zip(read.forms, write.forms):
        if f is None or g is None or not _pins(g, loop.symbol):
            continue
        parts = split(g, loop.symbol)
        factor = parts[0].known if parts is not None else None
        gap = f - g
        if factor and not moving(gap):
            ahead = gap // (factor * loop.step)
            return ahead if ahead * (factor * loop.step) == gap else None
    return None


def findings(
    variables: Sequence[Variable], accesses: Sequence[Access], touched: set[Variable]
) -> Iterator[Finding]:
    """What is wrong with the variables of a file: headline, label, place, way out, a second place."""
    of: dict[Variable, list[Access]] = {variable: [] for variable in variables}
    for access in accesses:
        of[access.variable].append(access)
    for variable, found in of.items():
        writes = [a for a in found if a.kind]
        if variable not in touched:
            help_text = f"write it in a loop: `{variable.name}[…] = …`"
            yield f"nothing writes `{variable.name}`", "", variable.span, help_text, None
        yield from _twice(variable, [w for w in writes if w.kind == "="])
        yield from _mixed(variable, writes)
        yield from _early_reads(variable, found)


def _mixed(variable: Variable, writes: list[Access]) -> Iterator[Finding]:
    other = next((w for w in writes if w.kind != writes[0].kind), None)
    if other is not None:
        message = f"`{variable.name}` is both written and added to"
        help_text = "an element is written once, or only ever added to from 0 on"
        yield message, "", other.span, help_text, writes[0]


def _twice(variable: Variable, writes: list[Access]) -> Iterator[Finding]:
    plain: dict[tuple[Form, ...], Access] = {}
    rest: list[Access] = []
    message = f"elements of `{variable.name}` may be written twice"
    for write in writes:
        fixed = all(form is not None and form.known is not None for form in write.forms)
        earlier = plain.get(write.forms) if fixed and not write.branches else None
        against = rest if fixed and not write.branches and not earlier else [*rest, *plain.values()]
        clash = earlier or next((w for w in against if not are_disjoint(w, write)), None)
        if clash is not None or len(rest) > PAIRS:
            yield message, "", write.span, "each element is written once", clash
            return
        if fixed and not write.branches:
            plain[write.forms] = write
        else:
            rest.append(write)


def is_reached(access: Access) -> bool:
    """Whether there are values of the ints that lead there: not to `t > 0` in `if t == 0`."""
    bounds = ((r.low, r.high) for r in access.ranges.values())
    known = ((low.known, high.known) for low, high in bounds if low is not None and high is not None)
    return all(low is None or high is None or low <= high for low, high in known)


PAIRS = 300  # statements that write one variable at positions that are not all numbers


def _early_reads(variable: Variable, found: list[Access]) -> Iterator[Finding]:
    writes = [(place, a) for place, a in enumerate(found) if a.kind]
    if not 0 < len(writes) <= PAIRS or any(a.kind != "=" for _, a in writes):
        return
    for place, read in enumerate(found):
        early = all(is_early(read, write, at > place) for at, write in writes)
        if not read.kind and early and is_reached(read):
            message = f"an element of `{variable.name}` that is not written yet"
            if not any(read.forms):
                message = f"`{variable.name}` is read before it is written"
            yield message, "", read.span, "what is written is read in a later statement or step", writes[0][1]
