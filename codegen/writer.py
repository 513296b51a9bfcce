"""Writes indented Python and breaks long lines at brackets, commas and operators.

>>> w = Writer(width=30)
>>> with w.block("def f(alpha, beta, gamma, delta):"):
...     w.line("return g(alpha, beta) + h(gamma, delta)")
>>> print(w.text())
def f(
    alpha, beta, gamma, delta
):
    return (
        g(alpha, beta)
        + h(gamma, delta)
    )
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

INDENT = "    "
NOTE_COLUMN = 36  # where a note beside a line begins, within its block
LOOSEST_FIRST = (
    (" if ", " else "), (" or ",), (" and ",), (" is not ", " is "), (" == ", " != "), (" + ", " - "),
    (" * ", " / ", " @ "),
)  # fmt: skip
CLOSING = {"(": ")", "[": "]", "{": "}"}
BLOT = "\0"
_STRUCTURE = re.compile(r"""[()\[\]{}]|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?""", re.DOTALL)


# Lines from a first one on, up to a last one, and what tells the lines of the model that they stand for.
Mark = tuple[int, int, "Callable[[], frozenset[int]]"]


class Writer:
    """Lines of Python at a depth of indentation."""

    def __init__(self, width: int = 100, spelt: Callable[[str], str] = str):
        self.width = width
        self.spelt = spelt  # how a line of code is written in the end
        self.depth = 0
        self.lines: list[str] = []
        self.function = ""  # the one under way
        self.marks: list[Mark] = []

    def line(self, text: str = "", note: str = "") -> None:
        """A logical line: broken where it is too long. A text of several lines is taken as it is.

        A note stands beside the line where there is room, else above it.
        """
        indent = INDENT * self.depth
        text = self.spelt(text)
        if not text:
            self.blank()
        elif "\n" in text:
            self.lines.extend((indent + part).rstrip() for part in text.split("\n"))
        elif note and len(indent) + max(len(text), NOTE_COLUMN) + len(note) + 4 <= self.width:
            self.lines.append(f"{indent}{text:<{NOTE_COLUMN}}  # {note}")
        else:
            if note:
                self.comment(note)
            self.lines.extend(wrap(text, indent, self.width))

    def blank(self, count: int = 1) -> None:
        """As many empty lines, those that stand there already included."""
        while self.lines and not self.lines[-1]:
            self.lines.pop()
        if self.lines:
            self.lines.extend([""] * count)

    def comment(self, text: str) -> None:
        """A comment, cut to the width."""
        room = self.width - len(INDENT) * self.depth - 2
        shown = text if len(text) <= room else text[: room - 2].rstrip() + " …"
        self.lines.append(f"{INDENT * self.depth}# {shown}")

    def mark(self, start: int, lines: Callable[[], frozenset[int]]) -> None:
        """What was written from `start` on stands for lines of the model; earlier marks come first."""
        self.marks.append((start, len(self.lines), lines))

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What is written inside is indented under the head."""
        if head.startswith("def "):
            self.function = head[4 : head.index("(")]
        self.line(head)
        self.depth += 1
        yield
        self.depth -= 1

    def text(self) -> str:
        return "\n".join(self.lines)


def wrap(text: str, indent: str, width: int) -> list[str]:
    """The physical lines of a logical line, broken inside its brackets or inside new ones."""
    if len(indent) + len(text) <= width:
        return [indent + text]
    opened = _in_parentheses(text, indent, width)
    if opened is not None:
        return opened
    bracket = _bracket(text, width - len(indent))
    if bracket is None:
        return [indent + text]
    opening, closing = bracket
    head, body, tail = text[: opening + 1], text[opening + 1 : closing], text[closing:]
    return [indent + head, *_inside(body, indent + INDENT, width), *wrap(tail, indent, width)]


def _inside(body: str, indent: str, width: int) -> list[str]:
    """What stands between brackets, on lines of its own."""
    if len(indent) + len(body) <= width:
        return [indent + body]
    items = [item.rstrip(",") for item in split_top(body, ", ") if item.strip(",")]
    if len(items) > 1:
        return _fill(items, indent, width)
    each, *loops = split_top(body, " for ")
    if loops and len(indent) + len(each) <= width:
        return [indent + each, *wrap(f"for {' for '.join(loops)}", indent, width)]
    return _wrap_operands(body, indent, width) if len(_operands(body)) > 1 else wrap(body, indent, width)


def _in_parentheses(text: str, indent: str, width: int) -> list[str] | None:
    """The lines with parentheses put around what has none of its own to break at; None where it has."""
    start, middle, end = _statement(text)
    items = split_top(middle, ", ")
    if len(items) == 1 and len(_operands(middle)) == 1:
        return None
    bracket = _bracket(text)
    if bracket is not None and len(items) == 1 and len(indent) + bracket[0] < width // 2:
        last = text[bracket[1] :]
        if len(last) < 12 and len(_operands(middle)) < 3:
            return None
    rest = wrap(f"_{end}", indent, width)
    rest[0] = f"{indent}){rest[0][len(indent) + 1 :]}"
    return [f"{indent}{start}(", *_inside(middle, indent + INDENT, width), *rest]


def _statement(text: str) -> tuple[str, str, str]:
    """A line in three: what leads it, the tuple or expression that may be put in parentheses, the rest."""
    for word in ("return ", "raise "):
        if text.startswith(word):
            return word, text[len(word) :], ""
    if text.startswith("if "):  # a statement's head, or a part of `a if b else c`
        return ("if ", text[3:-1], ":") if text.endswith(":") else ("if ", text[3:], "")
    if text.startswith(("with ", "for ", "def ", "class ")):
        return "", "", ""
    sides = split_top(text, " = ")
    if len(sides) == 2:
        targets, value = sides
        long_left = len(split_top(targets, ", ")) > 1 and len(value) < len(targets)
        return ("", targets, f" = {value}") if long_left else (f"{targets} = ", value, "")
    return "", "", ""


def _fill(items: list[str], indent: str, width: int) -> list[str]:
    """Items with commas after them, as many on a line as fit."""
    lines: list[str] = []
    current = ""
    for item in items:
        if current and len(indent) + len(current) + len(item) + 2 > width:
            lines.append(indent + current)
            current = ""
        if len(indent) + len(item) + 1 > width:
            lines.extend(wrap(f"{item},", indent, width))
        else:
            current = f"{current} {item}," if current else f"{item},"
    return [*lines, indent + current] if current else lines


def _wrap_operands(text: str, indent: str, width: int) -> list[str]:
    lines: list[str] = []
    current = ""
    for operand in _operands(text):
        if current and len(indent) + len(current) + len(operand) + 1 > width:
            lines.extend(_wrap_operand(current, indent, width))
            current = ""
        current = f"{current} {operand}" if current else operand
    return [*lines, *_wrap_operand(current, indent, width)]


def _wrap_operand(text: str, indent: str, width: int) -> list[str]:
    """An operand with the operator before it: broken inside where it is too long by itself."""
    if len(indent) + len(text) <= width:
        return [indent + text]
    parts = _operands(text)
    fits = all(len(indent) + len(part) <= width for part in parts)
    if len(parts) > 1 and (fits or _bracket(text) is None):
        return _wrap_operands(text, indent, width)
    return wrap(text, indent, width)


def _operands(text: str) -> list[str]:
    """The text cut before the loosest of its operators outside brackets."""
    for operators in LOOSEST_FIRST:
        parts = _cut(text, operators)
        if len(parts) > 1:
            return parts
    return [text]


def _cut(text: str, operators: tuple[str, ...]) -> list[str]:
    if not any(operator in text for operator in operators):
        return [text.strip()]
    parts, start = [], 0
    for found in _starts(operators).finditer(_outside(text)):
        if found.start() > start:
            parts.append(text[start : found.start()].strip())
            start = found.start()
    return [*parts, text[start:].strip()]


@cache
def _starts(operators: tuple[str, ...]) -> re.Pattern[str]:
    """Finds where operators begin, though two may share a space."""
    return re.compile(f"(?={'|'.join(map(re.escape, operators))})")


def split_top(text: str, separator: str) -> list[str]:
    """Split at a separator that stands outside brackets and strings."""
    if separator not in text:
        return [text]
    parts, start = [], 0
    for part in _outside(text).split(separator):
        parts.append(text[start : start + len(part)])
        start += len(part) + len(separator)
    return parts


def _scan(text: str) -> Iterator[tuple[int, str, int]]:
    """Position, text and depth of strings and brackets; a bracket counts as inside itself."""
    depth = 0
    for found in _STRUCTURE.finditer(text):
        depth += found[0] in CLOSING
        yield found.start(), found[0], depth
        depth -= found[0] in ")]}"


def _outside(text: str) -> str:
    """The text with what stands in brackets and strings blotted out."""
    parts, at, before = [], 0, 0
    for position, token, depth in _scan(text):
        parts.append(text[at:position] if before == 0 else BLOT * (position - at))
        at = position + len(token)
        parts.append(BLOT * len(token))
        before = depth - (token in ")]}")
    return "".join([*parts, text[at:] if before == 0 else BLOT * (len(text) - at)])


def _bracket(text: str, room: int = 0) -> tuple[int, int] | None:
    """Where to break: the last outermost bracket that holds something; of a function's head the first.

    If what stands before that has no `room` itself, the bracket that holds most.
    """
    found: list[tuple[int, int]] = []
    opening = 0
    for position, char, depth in _scan(text):
        if depth == 1 and char in CLOSING:
            opening = position
        elif depth == 1 and char in ")]}" and position > opening + 1:
            found.append((opening, position))
            if text.startswith("def "):
                break
    if found and room and found[-1][0] >= room:
        return max(found, key=lambda pair: pair[1] - pair[0])
    return found[-1] if found else None
