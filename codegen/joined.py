"""What the steps of a loop keep for a loop backward in time, in one list instead of several (-O2).

    sines = []                                      steps = []
    ratios = []                                     for _ in range(5):
    for _ in range(5):                                  sine = math.sin(E)
        sine = math.sin(E)                              ratio = f / slope
        sines.append(sine)                              steps.append((sine, ratio))
        ratio = f / slope                  ->       …
        ratios.append(ratio)                        for sine_i, ratios_i in reversed(steps):
    …                                                   d_E += sine_i * ratios_i
    for i in reversed(range(5)):
        sine_i = sines[i]
        d_E += sine_i * ratios[i]

A row of numbers, `(x_0, x_1)`, is kept number by number. A variable that changes between two of the lines
that keep something has another name for what is kept: `x_0_before = x_0`.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from autodiffc.grammar.records import record

from .blocks import Block, Statement
from .flow import parsed
from .pytext import tuple_of
from .trees import walk

FORWARD = re.compile(r"for \w+ in range\((.+)\):")
BACKWARD = re.compile(r"for (\w+) in reversed\(range\((.+)\)\):")
IDENTIFIER = re.compile(r"[^\W\d]\w*")
LONG = 80  # columns of the head of a loop

Place = tuple[int, int]  # of a statement in a block, and of a line; blocks come after the lines
Fresh = Callable[[str], str]


@record(frozen=True)
class _Kept:
    """A list: the line that adds to it, the variables there, and what they are called in the second loop.

    `read` is the line that gives them these names, where one does.
    """

    name: str
    place: Place
    row: tuple[str, ...]
    names: tuple[str, ...] = ()
    read: Place | None = None


def joined(statements: Sequence[Statement], last: str, fresh: Fresh) -> list[Statement]:
    """The statements with joined lists; `last` is the function's last line."""
    found = list(statements)
    begun = {name: i for i, statement in enumerate(found) if _head(statement) for name in _begun(statement)}
    if not begun:
        return found
    words = Counter(chain.from_iterable(map(IDENTIFIER.findall, (*_texts(found), last))))

    def unused(base: str) -> str:
        while (name := fresh(base)) in words:
            pass
        return name

    for second, statement in enumerate(found):
        backward = BACKWARD.fullmatch(_head(statement))
        for first in _read_loops(statement, begun, backward[1]) if backward else ():
            forward = FORWARD.fullmatch(_head(found[first]))
            if backward and forward and forward[1] == backward[2] and first < second:
                pair = _Pair(found[first], found[second], backward[1], words, unused)
                found[first], found[second] = pair.rewritten()
    return found


def _head(statement: Statement) -> str:
    """The head of a statement that is one `for` loop, which nothing leaves halfway."""
    if len(statement.blocks) != 1 or not statement.blocks[0].head.startswith("for "):
        return ""
    leaves = any("break" in text or "continue" in text for text in _texts(statement.blocks[0].statements))
    return "" if leaves else statement.blocks[0].head


def _begun(statement: Statement) -> Iterator[str]:
    """The lists that are empty before a loop."""
    return (line.removesuffix(" = []") for line in statement.lines if line.endswith(" = []"))


def _texts(statements: Sequence[Statement]) -> Iterator[str]:
    return (text for _, text in _placed(statements))


def _placed(statements: Sequence[Statement]) -> Iterator[tuple[Place, str]]:
    """All lines and heads, with the places of what they stand in."""
    for i, statement in enumerate(statements):
        yield from (((i, j), line) for j, line in enumerate(statement.lines))
        for block in statement.blocks:
            place = i, len(statement.lines)
            yield place, block.head
            yield from ((place, text) for text in _texts(block.statements))


def _read_loops(statement: Statement, begun: Mapping[str, int], number: str) -> list[int]:
    """The loops whose lists another one reads at its own step."""
    found = (m[1] for text in _texts(statement.blocks[0].statements) for m in _rows(number).finditer(text))
    return list(dict.fromkeys(begun[name] for name in found if name in begun))


def _rows(number: str) -> re.Pattern[str]:
    """What reads the row of a step: `hs[i]`."""
    return re.compile(rf"\b([^\W\d]\w*)\[{number}\]")


class _Pair:
    """A loop and one that goes back through its steps, whose variable is `number`."""

    def __init__(
        self, first: Statement, second: Statement, number: str, words: Mapping[str, int], fresh: Fresh
    ):
        self.first, self.second, self.number, self.words, self.fresh = first, second, number, words, fresh
        self.rows = _rows(number)
        self.there, self.back = first.blocks[0].statements, second.blocks[0].statements
        texts = list(_texts(self.back))
        self.uses = Counter(m[1] for text in texts for m in self.rows.finditer(text))
        self.met: dict[str, Place] = {}  # where names stand first in the second loop
        self.named: dict[str, tuple[Place, str]] = {}  # the lines that name the numbers of a row
        for place, text in _placed(self.back):
            changed = self.rows.match(text)  # `hs[i] = …`
            if changed:
                self.uses[changed[1]] = -1
            for word in IDENTIFIER.findall(text):
                self.met.setdefault(word, place)
            target, _, value = text.partition(" = ")
            if self.rows.fullmatch(value) and place[1] < len(self.back[place[0]].lines):
                self.named[value.partition("[")[0]] = place, target

    def rewritten(self) -> tuple[Statement, Statement]:
        lists = [kept for kept in self._lists() if kept is not None]
        if len(lists) < 2:
            return self.first, self.second
        steps = self.fresh("steps")
        names = {kept.name for kept in lists}
        lines = [line for line in self.first.lines if line.removesuffix(" = []") not in names]
        keeping = replace(self.first.blocks[0], statements=self._keeping(lists, steps))
        return (
            replace(self.first, lines=(*lines, f"{steps} = []"), blocks=(keeping,)),
            replace(self.second, blocks=(self._reading(lists, steps),)),
        )

    def _lists(self) -> Iterator[_Kept | None]:
        """The lists that the first loop begins and adds to, and that the second alone reads."""
        begun = set(_begun(self.first))
        for place, text in _placed(self.there):
            is_line = place[1] < len(self.there[place[0]].lines)
            kept = _added(text, place) if is_line and ".append(" in text else None
            if kept and kept.name in begun and self.words[kept.name] - 2 == self.uses[kept.name] > 0:
                yield self._with_names(kept)

    def _with_names(self, kept: _Kept) -> _Kept | None:
        """A list whose numbers have names in the second loop; None where it is to stay."""
        place, target = self.named.get(kept.name, ((0, 0), ""))
        names = tuple(IDENTIFIER.findall(target))
        plain = target in (", ".join(names), f"{', '.join(names)},") and len(names) == len(kept.row)
        first = all(name == "_" or self.met[name] == place for name in names)
        distinct = len({*names} - {"_"}) == len(names) - names.count("_")
        if target and plain and first and distinct and self.uses[kept.name] == 1:
            return replace(kept, names=names, read=place)
        if len(kept.row) > 1:
            return None
        return replace(kept, names=(self.fresh(f"{kept.name}_{self.number}"),))

    def _keeping(self, lists: Sequence[_Kept], steps: str) -> tuple[Statement, ...]:
        """The statements of the first loop, which adds all rows where it added the last one."""
        stores = self._stores()
        end = max(kept.place for kept in lists)
        changes: dict[Place, list[str]] = {kept.place: [] for kept in lists}
        row: list[str] = []
        for kept in lists:
            for name in kept.row:
                later = stores.get(name, [])
                at = bisect_right(later, kept.place)
                if at < len(later) and later[at] < end:
                    before = self.fresh(f"{name}_before")
                    changes[kept.place].append(f"{before} = {name}")
                    name = before
                row.append(name)
        changes[end].append(f"{steps}.append({tuple_of(row)})")
        return tuple(_edited(self.there, changes))

    def _stores(self) -> dict[str, list[Place]]:
        """Where the first loop gives variables values, in order."""
        found: dict[str, list[Place]] = {}
        for place, text in _placed(self.there):
            for node in chain.from_iterable(map(walk, parsed(text))):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    found.setdefault(node.id, []).append(place)
        return found

    def _reading(self, lists: Sequence[_Kept], steps: str) -> Block:
        """The second loop, with the numbers of a step at its head."""
        short = {kept.name: kept.names[0] for kept in lists if kept.read is None}
        edited = _edited(self.back, {kept.read: [] for kept in lists if kept.read is not None})
        body = tuple(_renamed(statement, self.rows, short) for statement in edited)
        names = ", ".join(name for kept in lists for name in kept.names)
        counts = any(self.number in IDENTIFIER.findall(text) for text in _texts(body))
        head = f"for {names} in reversed({steps}):"
        if not counts and len(head) <= LONG:
            return Block(head, body)
        step = f"{steps}[{self.number}]" if counts else self.fresh("step")
        first = replace(self.back[0], lines=(f"{names} = {step}",), blocks=())
        head = self.second.blocks[0].head if counts else f"for {step} in reversed({steps}):"
        return Block(head, (first, *body))


def _added(line: str, place: Place) -> _Kept | None:
    """The row that a line adds to a list, if that consists of variables."""
    (tree,) = parsed(line)
    if not isinstance(tree, ast.Expr) or not isinstance(tree.value, ast.Call) or len(tree.value.args) != 1:
        return None
    function, row = tree.value.func, tree.value.args[0]
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return None
    parts = row.elts if isinstance(row, ast.Tuple) and len(row.elts) > 1 else [row]
    texts = tuple(part.id for part in parts if isinstance(part, ast.Name))
    known = function.attr == "append" and len(texts) == len(parts)
    return _Kept(function.value.id, place, texts) if known else None


def _edited(statements: Sequence[Statement], changes: Mapping[Place, list[str]]) -> Iterator[Statement]:
    """The statements with other lines at some places."""
    for i, statement in enumerate(statements):
        lines = chain.from_iterable(changes.get((i, j), [line]) for j, line in enumerate(statement.lines))
        new = replace(statement, lines=tuple(lines))
        if new.lines or new.blocks:
            yield new


def _renamed(statement: Statement, rows: re.Pattern[str], names: Mapping[str, str]) -> Statement:
    """A statement with names for the rows that it reads."""

    def text(line: str) -> str:
        return rows.sub(lambda m: names.get(m[1], m[0]), line)

    blocks = tuple(
        Block(text(block.head), tuple(_renamed(s, rows, names) for s in block.statements))
        for block in statement.blocks
    )
    return replace(statement, lines=tuple(map(text, statement.lines)), blocks=blocks)
