"""`autodiffc fmt`: a model file in its canonical form.

    h=relu( x@W )   # hidden        h = relu(x @ W)  # hidden

Spaces and indentation are set; comments, blank lines (two at most in a row) and the author's line breaks
inside brackets stay. Trailing comments that stand in one column stay in one column. The tree is never
changed: only space between lexemes is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from .diagnostics import ModelError
from .parser import parse
from .scanner import CLOSERS, OPENERS, Lexeme, scan
from .source import Source
from .spacing import Spacing

INDENT = "    "
_BLANK_LINES = 2


def format_source(source: Source) -> str:
    """The canonical text; ModelError where the syntax is broken."""
    _, findings = parse(source)
    if findings:
        raise ModelError(findings)
    return "".join(line + "\n" for line in _aligned(_without_spare_blanks(_Layout().lines(_rows(source)))))


@dataclass
class _Row:
    """A line of the source: its lexemes, its comment, and the columns at which they began."""

    lexemes: list[Lexeme] = field(default_factory=list)
    comment: Lexeme | None = None
    column: int = 0
    comment_column: int = 0


@dataclass
class _Line:
    """A line of the result; `comment_column` is where a trailing comment stood in the source."""

    text: str
    comment: str = ""
    comment_column: int = 0


def _rows(source: Source) -> Iterator[_Row]:
    row, line_start = _Row(), 0
    for lexeme in scan(source.text):
        if lexeme.kind == "newline":
            yield row
            row, line_start = _Row(), lexeme.end
            continue
        column = len(source.text[line_start : lexeme.start].lstrip("\ufeff").expandtabs(8))
        if not row.lexemes:
            row.column = column
        if lexeme.kind == "comment":
            row.comment, row.comment_column = lexeme, column
        else:
            row.lexemes.append(lexeme)
    yield row


# --- indentation -----------------------------------------------------------------------------------


@dataclass
class _Bracket:
    """An open bracket: where the lines inside it begin, and where one begins that closes it."""

    inside: int
    closing: int


class _Layout:
    """Lays out row after row."""

    def __init__(self) -> None:
        self.levels = [0]  # the columns of the open blocks in the source
        self.brackets: list[_Bracket] = []
        self.spacing = Spacing()
        self.waiting: list[_Row] = []  # comments and blank lines, until the statement after them is known

    def lines(self, rows: Iterator[_Row]) -> Iterator[_Line]:
        for row in rows:
            if not row.lexemes:
                self.waiting.append(row)
            elif self.brackets:
                yield from self._comments_in_brackets()
                yield self._continued(row)
            else:
                yield from self._comments_before(row.column)
                self.spacing = Spacing()
                yield self._line(row, len(INDENT) * (len(self.levels) - 1))
        yield from self._comments_before(0)

    def _comments_before(self, column: int) -> Iterator[_Line]:
        """A comment belongs to the block that its column shows, or to a deeper one that begins after it."""
        before = self.levels.copy()
        while self.levels[-1] > column:
            self.levels.pop()
        if self.levels[-1] < column:
            self.levels.append(column)
        for row in self.waiting:
            level = sum(0 < start <= row.comment_column for start in before)
            yield _aside(row, len(INDENT) * max(level, len(self.levels) - 1))
        self.waiting = []

    def _comments_in_brackets(self) -> Iterator[_Line]:
        yield from (_aside(row, self.brackets[-1].inside) for row in self.waiting)
        self.waiting = []

    def _continued(self, row: _Row) -> _Line:
        bracket = self.brackets[-1]
        return self._line(row, bracket.closing if row.lexemes[0].text in CLOSERS else bracket.inside)

    def _line(self, row: _Row, indent: int) -> _Line:
        text = " " * indent
        for lexeme in row.lexemes:
            space = self.spacing.before(lexeme) and not text.isspace() and text != ""
            text += " " * space + lexeme.text
            if lexeme.text in OPENERS:
                self.brackets.append(_Bracket(len(text), indent))
            elif lexeme.text in CLOSERS:
                self.brackets.pop()
        if row.lexemes[-1].text in OPENERS:
            self.brackets[-1].inside = indent + len(INDENT)
        return _Line(text, row.comment.text.rstrip() if row.comment else "", row.comment_column)


def _aside(row: _Row, indent: int) -> _Line:
    return _Line(" " * indent + row.comment.text.rstrip() if row.comment else "")


# --- blank lines and trailing comments -------------------------------------------------------------


def _without_spare_blanks(lines: Iterator[_Line]) -> Iterator[_Line]:
    blanks = 0
    begun = False
    for line in lines:
        if not line.text:
            blanks += 1
            continue
        yield from [_Line("")] * (min(blanks, _BLANK_LINES) * begun)
        yield line
        blanks, begun = 0, True


def _aligned(lines: Iterator[_Line]) -> Iterator[str]:
    """Trailing comments that follow one another in one column get one column again, as far left as can be."""
    kept = list(lines)
    commented = [line for line in kept if line.comment]
    for _, group in groupby(commented, key=lambda line: line.comment_column):
        together = list(group)
        width = max(len(line.text) for line in together)
        for line in together:
            line.text = line.text.ljust(width) + "  " + line.comment
    return (line.text for line in kept)
