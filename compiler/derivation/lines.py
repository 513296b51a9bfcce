"""Equations in order: single ones, those of loops and of branches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

from autodiffc.grammar.records import record

from .graphs import Derived
from .tree import Element, Equation, Formula, Index, Symbol, parts_of


@record(frozen=True)
class Loop:
    """Equations of each step, `index` from 0 on; backward if `reverse`; while `condition` holds."""

    index: Index
    count: Formula
    reverse: bool
    condition: Formula | None
    lines: tuple[Line, ...]


@record(frozen=True)
class Branch:
    """Equations of either side of a branch."""

    condition: Formula
    then: tuple[Line, ...]
    otherwise: tuple[Line, ...]


Line = Union[Equation, Loop, Branch]


@record(frozen=True)
class Derivation:
    """model: the target as the model computes it; adjoints: its derivatives, from the target back."""

    derived: Derived
    model: tuple[Line, ...]
    adjoints: tuple[Line, ...]


def reads_in(line: Line) -> Iterator[Symbol]:
    """The symbols on the right sides of a line each time that they are read, without their steps."""
    formula = line.right if isinstance(line, Equation) else line.condition
    yield from (_bare(p) for p in (parts_of(formula) if formula else ()) if isinstance(p, Symbol))
    if not isinstance(line, Equation):
        for inner in line.lines if isinstance(line, Loop) else (*line.then, *line.otherwise):
            yield from reads_in(inner)


def symbols_in(line: Line) -> set[Symbol]:
    """The symbols on the right sides of a line, without their steps."""
    return set(reads_in(line))


def defined_in(line: Line) -> set[Symbol]:
    """The symbols on the left sides of a line, without their steps."""
    if isinstance(line, Equation):
        left = line.left.array if isinstance(line.left, Element) else line.left
        return {_bare(left)} if isinstance(left, Symbol) else set()
    lines = line.lines if isinstance(line, Loop) else (*line.then, *line.otherwise)
    return set().union(*map(defined_in, lines))


def _bare(symbol: Symbol) -> Symbol:
    return Symbol(symbol.name, symbol.role, symbol.of)


def interleaved(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Each derivative right after the last adjoint that it is made of."""
    chain = [line for line in lines if not _is_result(line)]
    slots: list[list[Line]] = [[] for _ in range(len(chain) + 1)]
    where = {symbol: k + 1 for k, line in enumerate(chain) for symbol in defined_in(line)}
    for line in lines:
        if _is_result(line):
            slot = max((where.get(s, 0) for s in symbols_in(line)), default=0)
            slots[slot].append(line)
            where.update(dict.fromkeys(defined_in(line), slot))
    result = list(slots[0])
    for line, more in zip(chain, slots[1:]):
        result += [line, *more]
    return tuple(result)


def _is_result(line: Line) -> bool:
    return isinstance(line, Equation) and any(s.of for s in defined_in(line))
