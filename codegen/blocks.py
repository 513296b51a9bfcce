"""What a body consists of: statements, some of which have blocks of statements under them.

Statement(lines=("h = np.zeros(H)",), blocks=(Block("for t in range(T):", (Statement(…), …)),))
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from autodiffc.compiler.ir import Node
from autodiffc.grammar.records import record

from .schedule import Group

_IDENTIFIER = re.compile(r"[^\W\d]\w*")


@record(frozen=True)
class Statement:
    """Logical lines that compute one node, then blocks."""

    group: Group
    lines: tuple[str, ...]
    node: Node
    name: str
    blocks: tuple[Block, ...] = ()
    note: str = ""  # beside the line, in the teaching form


@record(frozen=True)
class Block:
    """`for t in range(T):` and what stands under it."""

    head: str
    statements: tuple[Statement, ...]


@record(frozen=True)
class Slot:
    """A variable in which a body leaves a result; `old` is the body's input that it holds at first."""

    name: str
    old: Node | None = None


def mentions(text: str, name: str) -> bool:
    """Whether a name stands in the text."""
    return name in text and name in _IDENTIFIER.findall(text)


def moves(assignments: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Statements that give all these names their new values, each made of the old ones.

    >>> list(moves([("a", "b"), ("c", "b + 1")]))
    ['a = b', 'c = b + 1']
    >>> list(moves([("a", "b"), ("b", "a + b")]))
    ['a, b = b, a + b']
    """
    left = list(assignments)
    while left:
        free = next((a for a in left if not any(mentions(v, a[0]) for n, v in left if n != a[0])), None)
        if free is None:
            yield f"{', '.join(n for n, _ in left)} = {', '.join(v for _, v in left)}"
            return
        left.remove(free)
        yield f"{free[0]} = {free[1]}"
