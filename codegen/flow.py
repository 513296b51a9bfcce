"""When the variables of a written function are read, and given new values.

    h = x @ W                position 0: reads x, W; h gets a value
    for t in range(T):                1
        z = h[t] + z                  2: reads h, t, z; z gets a value, which the next step reads

Positions count the lines as they stand. A variable is *live* at a position if its value there may still be
read: later on, or by the next step of a loop around. A name that begins anew outside of loops and branches,
where it isn't live, is another variable from there on: `h`, then `h#1`.
"""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from autodiffc.grammar.records import record

from .blocks import Statement
from .trees import walk

READ, WRITE = 0, 1


@record(frozen=True)
class Line:
    """A logical line: its trees, the numbers of the blocks and of the loops around it, outermost first."""

    text: str
    trees: tuple[ast.stmt, ...]
    blocks: tuple[int, ...]
    loops: tuple[int, ...]
    names: tuple[str, ...]


@record(frozen=True)
class Loop:
    """The positions of a loop, from its head to its last line, and the blocks of its body."""

    start: int
    end: int
    blocks: tuple[int, ...]
    may_break: bool


Event = tuple[int, int, tuple[int, ...]]  # a position, READ or WRITE, the blocks around


@dataclass
class Flow:
    """The lines of a function in order, its loops by number, and what happens to each variable where."""

    lines: list[Line] = field(default_factory=list)
    loops: dict[int, Loop] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    anew: dict[str, list[int]] = field(default_factory=dict)  # where names become other variables

    def variable(self, name: str, position: int) -> str:
        """The variable that a name stands for on a line."""
        number = bisect_right(self.anew.get(name, ()), position)
        return f"{name}#{number}" if number else name

    def is_live(self, name: str, position: int) -> bool:
        """Whether the value that a variable has before a line may be read by that line or later."""
        events = self.events.get(name, [])
        line = self.lines[position]
        start = bisect_left(events, (position,))
        for number in reversed(line.loops):
            loop = self.loops[number]
            stop = bisect_left(events, (loop.end + 1,))
            after = _fate(events[start:stop], line.blocks, position if loop.may_break else None)
            if after is not None:
                return after
            if _fate(self._inside(name, loop), loop.blocks):
                return True
            start = stop
        return bool(_fate(events[start:], line.blocks))

    def carried(self, loop: Loop) -> set[str]:
        """The variables whose value before a step is read in it."""
        names = {name for line in self.lines[loop.start : loop.end + 1] for name in line.names}
        return {name for name in names if _fate(self._inside(name, loop), loop.blocks)}

    def _inside(self, name: str, loop: Loop) -> list[Event]:
        events = self.events[name]
        return events[bisect_left(events, (loop.start,)) : bisect_left(events, (loop.end + 1,))]


def _fate(events: Sequence[Event], blocks: tuple[int, ...], only: int | None = None) -> bool | None:
    """What happens to a value first: True if it is read, False if another surely takes its place.

    `only`: the one position at which that is sure, in a loop that may be left halfway.
    """
    replaced: set[tuple[int, ...]] = set()  # blocks in which it is gone
    for position, kind, where in events:
        if replaced and any(where[:depth] in replaced for depth in range(len(where) + 1)):
            continue
        if kind == READ:
            return True
        if blocks[: len(where)] == where and only in (None, position):
            return False
        replaced.add(where)
    return None


def flow_of(statements: Sequence[Statement], last: str) -> Flow:
    """The flow of a function's statements and its last line."""
    flow = Flow()
    _enter(flow, statements, (), ())
    _read_line(flow, last, (), ())
    _tell_apart(flow)
    return flow


def name_of(variable: str) -> str:
    """What a variable is called in the text."""
    return variable.partition("#")[0]


def _tell_apart(flow: Flow) -> None:
    """Make variables of their own of names that begin anew."""
    found = {name: _beginnings(flow, events) for name, events in flow.events.items()}
    flow.anew = {name: places for name, places in found.items() if places}
    lines = {position for name in flow.anew for position, _, _ in flow.events[name]}
    for position in lines:
        line = flow.lines[position]
        flow.lines[position] = replace(line, names=tuple(flow.variable(n, position) for n in line.names))
    for name in flow.anew:
        for event in flow.events.pop(name):
            flow.events.setdefault(flow.variable(name, event[0]), []).append(event)


def _beginnings(flow: Flow, events: Sequence[Event]) -> list[int]:
    """The lines, loops and branches of the function itself before which a name's value is read no more."""
    found: list[int] = []
    for number, (position, kind, blocks) in enumerate(events):
        start = blocks[0] if blocks else position
        if kind == READ or number == 0 or events[number - 1][0] >= start:
            continue  # the first event in a loop or a branch tells
        if not flow.lines[start].text.startswith("el") and not _fate(events[number:], ()):
            found.append(start)
    return found


def _enter(
    flow: Flow, statements: Sequence[Statement], blocks: tuple[int, ...], loops: tuple[int, ...]
) -> None:
    for statement in statements:
        for line in statement.lines:
            _read_line(flow, line, blocks, loops)
        for block in statement.blocks:
            start = len(flow.lines)
            inner = (*blocks, start)
            if not block.head.startswith(("for ", "while ")):
                _read_line(flow, block.head, blocks, loops)
                _enter(flow, block.statements, inner, loops)
                continue
            _read_line(flow, block.head, inner, (*loops, start))
            _enter(flow, block.statements, inner, (*loops, start))
            breaks = any("break" in line.text for line in flow.lines[start:])
            flow.loops[start] = Loop(start, len(flow.lines) - 1, inner, breaks)


def _read_line(flow: Flow, text: str, blocks: tuple[int, ...], loops: tuple[int, ...]) -> None:
    position = len(flow.lines)
    trees = parsed(text)
    happened = sorted({event for tree in trees for event in events_of(tree)})
    flow.lines.append(Line(text, trees, blocks, loops, tuple({name for _, name in happened})))
    for kind, name in happened:
        flow.events.setdefault(name, []).append((position, kind, blocks))


def parsed(text: str) -> tuple[ast.stmt, ...]:
    """The trees of a line, or of the head of a block."""
    if text == "else:":
        return ()
    if text.endswith(":"):
        text = f"{text.removeprefix('el')} pass"
    return tuple(ast.parse(text).body)


def events_of(tree: ast.stmt) -> Iterator[tuple[int, str]]:
    """The variables that a line reads and those that it gives values; `h += b` changes h and keeps it."""
    for node in walk(tree):
        if isinstance(node, ast.Name):
            yield WRITE if isinstance(node.ctx, ast.Store) else READ, node.id
    if isinstance(tree, ast.AugAssign) and isinstance(tree.target, ast.Name):
        yield READ, tree.target.id
