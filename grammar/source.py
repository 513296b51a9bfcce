"""Source text and places in it.

>>> source = Source("model.dsl", "input x: real\\noutput f = x*x\\n")
>>> span = Span(source, 25, 28)
>>> span.text, span.line, span.column
('x*x', 2, 12)
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import field
from pathlib import PurePath

from .records import record


@record(frozen=True, eq=False)
class Source:
    """The text of one file, the name that messages give it, and where it lies (None: it is no file)."""

    name: str
    text: str
    path: str | None = None
    line_starts: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        starts = [0] + [i + 1 for i, char in enumerate(self.text) if char == "\n"]
        object.__setattr__(self, "line_starts", tuple(starts))

    @property
    def file(self) -> str:
        """The name without its folder: where a file lies is no part of what is made of it."""
        return PurePath(self.name).name

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, numbered from 1, without its end."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


@record(frozen=True)
class Span:
    """The half-open range [start, end) of offsets in a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return bisect_right(self.source.line_starts, self.start)

    @property
    def column(self) -> int:
        return self.source.place(self.start)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def beginning(self, length: int) -> str:
        """The first characters of the text, so many at most: a long sum is the text of many sums."""
        return self.source.text[self.start : min(self.end, self.start + length)]

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of the other."""
        return Span(self.source, self.start, max(self.end, other.end))

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"
