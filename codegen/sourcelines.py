"""The model's source as the emitted comments show it: logical lines, in text that cannot break out.

>>> from autodiffc.grammar.source import Source
>>> lines = LogicalLines(Source("m.dsl", "a = f(x,   # first\\n      y)\\nb = a\\n"))
>>> lines.start(2), lines.text(1)
(1, 'a = f(x, y)')
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property

from autodiffc.grammar.source import Source

OPENING, CLOSING = "([{", ")]}"
_BRACKETS = re.compile(r"[()\[\]{}]")


def safe(text: str) -> str:
    """Text for a comment or a docstring: nothing in it ends a line, a string, or reorders what is read."""
    shown = text if text.isascii() and text.isprintable() else "".join(_shown(char) for char in text)
    return shown.replace("\\", "\\\\").replace('"""', "'''")


def _shown(char: str) -> str:
    if char == "\t":
        return " "
    return (
        f"<U+{ord(char):04X}>" if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else char
    )


class LogicalLines:
    """Which physical lines of a source belong to one statement."""

    def __init__(self, source: Source):
        self.source = source
        self._texts: dict[int, str] = {}

    def start(self, line: int) -> int:
        """The first line of the statement that the line belongs to."""
        return self._starts[line - 1] if 0 < line <= len(self._starts) else line

    def text(self, line: int) -> str:
        """The statement that starts on the line, on one line and without comments."""
        if line not in self._texts:
            self._texts[line] = self._joined(line)
        return self._texts[line]

    def _joined(self, line: int) -> str:
        parts = [_without_comment(self.source.line(line))]
        count = len(self._starts)
        while line < count and self._starts[line] != line + 1:
            line += 1
            parts.append(_without_comment(self.source.line(line)))
        return safe(" ".join(" ".join(parts).split()))

    @cached_property
    def _starts(self) -> list[int]:
        starts, depth, current = [], 0, 1
        for number in range(1, len(self.source.line_starts) + 1):
            current = number if depth <= 0 else current
            starts.append(current)
            code = _without_comment(self.source.line(number))
            depth = max(0, depth + _balance(code))
        return starts


def _without_comment(line: str) -> str:
    if "#" not in line:
        return line
    quote = ""
    for position, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#":
            return line[:position]
    return line


def _balance(code: str) -> int:
    """How many brackets are left open."""
    if not _BRACKETS.search(code):
        return 0
    depth, quote = 0, ""
    for char in code:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        else:
            depth += (char in OPENING) - (char in CLOSING)
    return depth
