"""Writes indented Python and breaks long lines at brackets, commas and operators.

>>> w = Writer(width=30)
>>> with w.block("def f(alpha, beta, gamma, delta):"):
...     w.line("return g(alpha, beta) + h(gamma, delta)")
>>> print(w.text())
def f(
    alpha, beta, gamma, delta
):
    return g(alpha, beta) + h(
        gamma, delta
    )
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

INDENT = "    "
NOTE_COLUMN = 36  # where a note beside a line begins, within its block
CLOSING = {"(": ")", "[": "]", "{": "}"}
OPERATORS = (" + ", " - ", " or ", " and ", " if ", " else ", " * ", " / ", " @ ", " ** ")


class Writer:
    """Lines of Python at a depth of indentation."""

    def __init__(self, width: int = 100):
        self.width = width
        self.depth = 0
        self.lines: list[str] = []

    def line(self, text: str = "", note: str = "") -> None:
        """A logical line: broken where it is too long. A text of several lines is taken as it is.

        A note stands beside the line where there is room, else above it.
        """
        indent = INDENT * self.depth
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

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What is written inside is indented under the head."""
        self.line(head)
        self.depth += 1
        yield
        self.depth -= 1

    def text(self) -> str:
        return "\n".join(self.lines)


def wrap(text: str, indent: str, width: int) -> list[str]:
    """The physical lines of a logical line; the longest statements are broken first at their last bracket."""
    if len(indent) + len(text) <= width:
        return [indent + text]
    bracket = _bracket(text)
    if bracket is None:
        return _wrap_operators(text, indent, width)
    opening, closing = bracket
    head, body, tail = text[: opening + 1], text[opening + 1 : closing], text[closing:]
    if len(indent) + len(head) > width:
        return _wrap_operators(text, indent, width)
    inner = indent + INDENT
    items = split_top(body, ", ")
    if len(inner) + len(body) <= width:
        lines = [inner + body]
    elif len(items) > 1:
        lines = _fill([item.rstrip(",") for item in items if item.strip(",")], inner, width)
    else:
        lines = _wrap_operands(body, inner, width)
    return [indent + head, *lines, *wrap(tail, indent, width)]


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


def _wrap_operators(text: str, indent: str, width: int) -> list[str]:
    """Put parentheses around the right-hand side and break it before operators."""
    for start in ("return ", "raise "):
        if text.startswith(start) and len(_operands(text[len(start) :])) > 1:
            return [f"{indent}{start}(", *_wrap_operands(text[len(start) :], indent + INDENT, width), f"{indent})"]
    sides = split_top(text, " = ")
    if len(sides) == 2 and len(_operands(sides[1])) > 1:
        return [f"{indent}{sides[0]} = (", *_wrap_operands(sides[1], indent + INDENT, width), f"{indent})"]
    return [indent + text]


def _wrap_operands(text: str, indent: str, width: int) -> list[str]:
    lines: list[str] = []
    current = ""
    for operand in _operands(text):
        if current and len(indent) + len(current) + len(operand) + 1 > width:
            lines.extend(wrap(current, indent, width) if len(_operands(current)) == 1 else [indent + current])
            current = ""
        current = f"{current} {operand}" if current else operand
    return [*lines, indent + current]


def _operands(text: str) -> list[str]:
    """The text cut before the loosest of its operators outside brackets."""
    for operators in ((" if ", " else "), (" or ",), (" and ",), (" + ", " - "), (" * ", " / ", " @ ")):
        parts = _cut(text, operators)
        if len(parts) > 1:
            return parts
    return [text]


def _cut(text: str, operators: tuple[str, ...]) -> list[str]:
    parts, start = [], 0
    for position in _outside(text):
        if position > start and text.startswith(operators, position):
            parts.append(text[start:position].strip())
            start = position
    return [*parts, text[start:].strip()]


def split_top(text: str, separator: str) -> list[str]:
    """Split at a separator that stands outside brackets and strings."""
    parts, start = [], 0
    for position in _outside(text):
        if position >= start and text.startswith(separator, position):
            parts.append(text[start:position])
            start = position + len(separator)
    return [*parts, text[start:]]


def _scan(text: str) -> Iterator[tuple[int, str, int]]:
    """Position, character and depth of bracket (a bracket counts as inside itself), strings left out."""
    depth, quote, escaped = 0, "", False
    for position, char in enumerate(text):
        if quote:
            quote = "" if char == quote and not escaped else quote
            escaped = char == "\\" and not escaped
        elif char in "\"'":
            quote = char
        else:
            depth += char in CLOSING
            yield position, char, depth
            depth -= char in ")]}"


def _outside(text: str) -> Iterator[int]:
    return (position for position, _, depth in _scan(text) if depth == 0)


def _bracket(text: str) -> tuple[int, int] | None:
    """Where to break: the last outermost bracket that holds something; of a function's head the first."""
    found, opening = None, 0
    for position, char, depth in _scan(text):
        if depth == 1 and char in CLOSING:
            opening = position
        elif depth == 1 and char in ")]}" and position > opening + 1:
            found = opening, position
            if text.startswith("def "):
                break
    return found
