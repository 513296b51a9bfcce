"""Line structure: turns the ends of lines into _NEWLINE, _INDENT and _DEDENT.

    for t in range(T):           … ":" _NEWLINE _INDENT
        h = h * 2                … "2" _NEWLINE _DEDENT
    loss L = h

Newlines inside brackets, blank lines and lines that hold only a comment give no token. A line that fits no
block is reported (E0102) and taken to belong to the nearest one, so that the parser can go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from .builder import Leaf
from .diagnostics import Diagnostic, Note
from .scanner import lexeme_at
from .source import Source, Span

_LEAD = re.compile(r"\ufeff?((?:[ \t\r\n]+|#[^\r\n]*)*)")


BRACKETS = {"LPAR": 1, "LSQB": 1, "RPAR": -1, "RSQB": -1}
TAB = 4


class Layout:
    """The layout of one text, which may come in several streams, one after the other."""

    def __init__(self, source: Source, report: Callable[[Diagnostic], None]):
        self.source = source
        self.report = report
        self.paren_level = 0
        self.indent_level = [0]
        self.tab_len = TAB
        self.line_open = False
        self.first_indent: tuple[str, Span] | None = None
        self.mixed = False

    def begin(self) -> Iterator[Leaf]:
        """What stands before the first line, should that be indented."""
        lead = _LEAD.match(self.source.text)
        assert lead is not None
        return self._end_of_line(self._leaf("_NEWLINE", "\n" + lead.group(1), 0, lead.end()))

    def process(self, stream: Iterable[Leaf]) -> Iterator[Leaf]:
        for leaf in stream:
            if leaf.type == "_NEWLINE":
                yield from self._end_of_line(leaf)
                continue
            self.line_open = True
            self.paren_level += BRACKETS.get(leaf.type, 0)
            yield leaf

    def end(self) -> Iterator[Leaf]:
        """The blocks that the end of the text closes."""
        return self._dedents(0)

    def _leaf(self, type: str, text: str, start: int, end: int) -> Leaf:
        return Leaf(type, text, Span(self.source, start, end))

    def _end_of_line(self, leaf: Leaf) -> Iterator[Leaf]:
        if self.paren_level > 0:
            return
        if self.line_open:
            self.line_open = False
            yield leaf
        indent, end = leaf.text.rsplit("\n", 1)[1], leaf.span.end
        if "#" not in indent and end < len(self.source.text):
            yield from self._indentation(indent, end)

    def _indentation(self, indent: str, end: int) -> Iterator[Leaf]:
        self._check_mixture(indent, end)
        column = len(indent.expandtabs(self.tab_len))
        if column > self.indent_level[-1]:
            self.indent_level.append(column)
            yield self._leaf("_INDENT", indent, end, end)
        else:
            yield from self._dedents(self._nearest_level(column, end))

    def _dedents(self, column: int) -> Iterator[Leaf]:
        while self.indent_level[-1] > column:
            self.indent_level.pop()
            yield self._leaf("_DEDENT", "", len(self.source.text), len(self.source.text))

    def _nearest_level(self, column: int, end: int) -> int:
        nearest = min(reversed(self.indent_level), key=lambda level: abs(level - column))
        if nearest != column:
            levels = ", ".join(str(level) for level in self.indent_level)
            label = f"indented by {column}; the blocks that are open here are indented by {levels}"
            self._misfit("this line does not line up with any block", self._first_word(end), label)
        return nearest

    def _check_mixture(self, indent: str, end: int) -> None:
        if not indent or self.mixed:
            return
        span = Span(self.source, end - len(indent), end)
        if self.first_indent is None:
            self.first_indent = indent[0], span
            self.tab_len = self.tab_len if "\t" in indent else len(indent)
        first, place = self.first_indent
        if indent.strip(first):
            self.mixed = True
            names = {" ": "spaces", "\t": "tabs"}
            note = Note(place, f"the first indented line uses {names[first]}")
            help = f"indent the whole file by {names[first]}"
            self._misfit("indentation mixes tabs and spaces", span, notes=(note,), help=help)

    def _first_word(self, offset: int) -> Span:
        lexeme = lexeme_at(self.source.text, offset)
        return Span(self.source, lexeme.start, lexeme.end)

    def _misfit(
        self, message: str, span: Span, label: str = "", notes: tuple[Note, ...] = (), help: str = ""
    ) -> None:
        self.report(Diagnostic("E0102", message, span, label, notes, help))
