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

from lark import Token
from lark.indenter import Indenter

from .diagnostics import Diagnostic, Note
from .scanner import lexeme_at
from .source import Source, Span

_LEAD = re.compile(r"\ufeff?((?:[ \t\r\n]+|#[^\r\n]*)*)")


class Layout(Indenter):
    """The post-lexer of one parse. It may process several streams of one text, one after the other."""

    NL_type = "_NEWLINE"
    OPEN_PAREN_types = ["LPAR", "LSQB"]  # noqa: RUF012 (Lark's interface)
    CLOSE_PAREN_types = ["RPAR", "RSQB"]  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 4
    always_accept = ("_NEWLINE", "UNKNOWN")

    def __init__(self, source: Source, report: Callable[[Diagnostic], None]):
        super().__init__()
        self.source = source
        self.report = report
        self.line_open = False
        self.first_indent: tuple[str, Span] | None = None
        self.mixed = False

    def begin(self) -> Iterator[Token]:
        """What stands before the first line, should that be indented."""
        lead = _LEAD.match(self.source.text)
        assert lead is not None
        return self.handle_NL(Token(self.NL_type, "\n" + lead.group(1), end_pos=lead.end()))

    def process(self, stream: Iterable[Token]) -> Iterator[Token]:
        for token in stream:
            if token.type == self.NL_type:
                yield from self.handle_NL(token)
                continue
            self.line_open = True
            self.paren_level += (token.type in self.OPEN_PAREN_types) - (token.type in self.CLOSE_PAREN_types)
            yield token

    def end(self) -> Iterator[Token]:
        """The blocks that the end of the text closes."""
        return self._dedents(0)

    def handle_NL(self, token: Token) -> Iterator[Token]:
        if self.paren_level > 0:
            return
        if self.line_open:
            self.line_open = False
            yield token
        indent = token.rsplit("\n", 1)[1]
        if "#" not in indent and (token.end_pos or 0) < len(self.source.text):
            yield from self._indentation(indent, token.end_pos or 0)

    def _indentation(self, indent: str, end: int) -> Iterator[Token]:
        self._check_mixture(indent, end)
        column = len(indent.expandtabs(self.tab_len))
        if column > self.indent_level[-1]:
            self.indent_level.append(column)
            yield Token(self.INDENT_type, indent, end)
        else:
            yield from self._dedents(self._nearest_level(column, end))

    def _dedents(self, column: int) -> Iterator[Token]:
        while self.indent_level[-1] > column:
            self.indent_level.pop()
            yield Token(self.DEDENT_type, "", len(self.source.text))

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
