"""Says in words what is wrong with a statement, and where reading goes on.

    x = foo(a b)        expected an operator, `,` or `)`, found `b`
    if x = 1:           `=` gives a name a value; it does not compare

First come the structural faults (indentation, brackets, strings), then the table of known mistakes in
hints.py, last what the parser could have gone on with, in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from .diagnostics import Diagnostic, Note
from .hints import describe, hint_for
from .lexical_errors import CHARACTER_HELP, caret, misused_character
from .records import record
from .scanner import CLOSERS, DECLARATIONS, OPENERS, Lexeme, lexeme_at, scan
from .source import Source, Span

LAYOUT_TOKENS = ("_NEWLINE", "_INDENT", "_DEDENT", "$END")
_HEADER = re.compile(r"(?:if|elif|for|while|def|adjoint)\b")
_HEADER_END = re.compile(r":[ \t]*(?:#[^\n]*)?\n")
# A line that looks like a statement's beginning, whatever brackets are open.
_STATEMENT_LINE = re.compile(
    rf"\n([ \t]*)(?=(?:{'|'.join(sorted(DECLARATIONS))})\b(?!\s*[=(,)\]])"
    r"|[^\W\d]\w*(?:\s*\[[^\]\n]*\])?\s*(?:\*\*|//|[-+*/%@])?=(?!=))"
)


@record(frozen=True)
class Fault:
    """Where the parser stopped: at `start`, in the statement that begins at `line_start`."""

    source: Source
    text: str
    line_start: int
    start: int
    token: str
    accepted: frozenset[str]

    @property
    def lacks_block(self) -> bool:
        return self.accepted == {"_INDENT"}

    @cached_property
    def found(self) -> Lexeme:
        if self.token == "_NEWLINE":
            return Lexeme("newline", "", self.start)
        return lexeme_at(self.text, self.start)

    @property
    def last_newline(self) -> int:
        return len(self.text) - 1

    @property
    def indent(self) -> int:
        return self.line_start - (self.text.rfind("\n", 0, self.line_start) + 1)

    @property
    def before(self) -> str:
        return self.text[self.line_start : self.start]

    @cached_property
    def open_brackets(self) -> list[Lexeme]:
        """The brackets of the statement that are open where the parser stopped."""
        brackets: list[Lexeme] = []
        for lexeme in scan(self.text, self.line_start):
            if lexeme.start >= self.start:
                break
            if lexeme.text in OPENERS:
                brackets.append(lexeme)
            elif lexeme.text in CLOSERS and brackets:
                brackets.pop()
        return brackets

    def span(self, lexeme: Lexeme) -> Span:
        return Span(self.source, lexeme.start, lexeme.end)

    def marked(self, mark: tuple[int, int] | None) -> Span:
        """A part of the statement, or what was found."""
        if mark is None:
            return self.span(self.found)
        return Span(self.source, self.line_start + mark[0], self.line_start + mark[1])


def explain(fault: Fault) -> tuple[Diagnostic, int]:
    """The finding, and the offset of the line end from which to go on."""
    if fault.token == "_INDENT":
        return _unexpected_indent(fault), fault.start
    if fault.lacks_block:
        return _missing_block(fault), fault.start
    if fault.open_brackets and (resume := _next_statement(fault)) is not None:
        return _unclosed(fault, fault.open_brackets[-1]), resume
    return _on_the_spot(fault), _line_end(fault)


def _on_the_spot(fault: Fault) -> Diagnostic:
    found = fault.found
    if found.text in CLOSERS and (bracket := _misplaced_bracket(fault)):
        return bracket
    if found.text == "=" and fault.open_brackets and fault.open_brackets[-1].text == "[":
        return _unclosed(fault, fault.open_brackets[-1])
    if found.text in ("'", '"'):
        return _unclosed_string(fault)
    if found.text[:1] == "^":
        return caret(fault.span(found))
    if found.kind == "word" and not ("_" + found.text[0]).isidentifier():
        return misused_character(fault.source, found.start, found.text[0])
    hint = hint_for(fault.before, fault.text, found, fault.accepted)
    if hint is not None:
        return Diagnostic("E0101", hint.message, fault.marked(hint.mark), help=hint.help)
    if found.kind == "symbol" and (found.text in CHARACTER_HELP or not found.text.isascii()):
        return misused_character(fault.source, found.start, found.text)
    message = f"expected {_listed(_expected(fault))}, found {describe(fault.found)}"
    return Diagnostic("E0101", message, fault.span(found))


# --- structure -------------------------------------------------------------------------------------


def _unexpected_indent(fault: Fault) -> Diagnostic:
    word = lexeme_at(fault.text, fault.start)
    help = "only the lines under one that ends in `:` are indented deeper than it"
    return Diagnostic("E0102", "this line is indented, but no block begins here", fault.span(word), help=help)


def _missing_block(fault: Fault) -> Diagnostic:
    """Shown at the line that should be indented, or at the header where nothing follows."""
    header = fault.text.rfind(":", 0, fault.start)
    at_end = fault.token in LAYOUT_TOKENS or not fault.found.text
    span = Span(fault.source, header, header + 1) if at_end else fault.span(fault.found)
    note = Note(Span(fault.source, header, header + 1), "the block is opened")
    help = "indent the lines of the block by four spaces"
    return Diagnostic("E0102", "expected an indented block", span, notes=() if at_end else (note,), help=help)


def _next_statement(fault: Fault) -> int | None:
    """Where a bracket was never closed: the end of the block's header, or of the line before a statement."""
    header = _HEADER_END.search(fault.text, fault.open_brackets[-1].end)
    if header and header.start() <= fault.start and _HEADER.match(fault.text, fault.line_start):
        return header.end() - 1
    for line in _STATEMENT_LINE.finditer(fault.text, fault.open_brackets[-1].end):
        if line.start() >= fault.start:
            break
        if len(line.group(1)) <= fault.indent:
            return line.start()
    return fault.last_newline if fault.start > fault.last_newline else None


def _unclosed(fault: Fault, bracket: Lexeme) -> Diagnostic:
    label = f"`{OPENERS[bracket.text]}` is missing"
    return Diagnostic("E0107", "this bracket is never closed", fault.span(bracket), label)


def _misplaced_bracket(fault: Fault) -> Diagnostic | None:
    found = fault.found
    if not fault.open_brackets:
        return Diagnostic("E0101", f"`{found.text}` closes nothing", fault.span(found))
    opener = fault.open_brackets[-1]
    if CLOSERS[found.text] == opener.text:
        return None
    note = Note(fault.span(found), f"`{found.text}` stands")
    message = f"this `{opener.text}` is closed by `{found.text}`"
    label = f"`{OPENERS[opener.text]}` is missing"
    return Diagnostic("E0107", message, fault.span(opener), label, notes=(note,))


def _unclosed_string(fault: Fault) -> Diagnostic:
    found = fault.found
    end = len(fault.text[found.start :].split("\n", 1)[0].rstrip()) + found.start
    transposed = found.text == "'" and re.search(r"[\w\])]$", fault.before)
    help = "a transpose is `A.T`" if transposed else "a string ends on the line on which it begins"
    span = Span(fault.source, found.start, found.end if transposed else end)
    return Diagnostic("E0107", "this string is never closed", span, f"`{found.text}` is missing", help=help)


def _line_end(fault: Fault) -> int:
    """Where the statement ends: a line end outside brackets, or before what looks like a statement."""
    if fault.text.find("\n", fault.start) == fault.last_newline:
        return fault.last_newline
    depth = len(fault.open_brackets)
    previous = ""
    for lexeme in scan(fault.text, fault.start):
        depth += (lexeme.text in OPENERS) - (lexeme.text in CLOSERS and depth > 0)
        if lexeme.kind == "newline" and previous != "\\":
            line = _STATEMENT_LINE.match(fault.text, lexeme.end - 1)
            if depth == 0 or (line and len(line.group(1)) <= fault.indent):
                return lexeme.end - 1
        previous = lexeme.text
    return fault.last_newline


# --- what was expected -----------------------------------------------------------------------------

_WORDS = {
    "COLON": "`:`",
    "EQUAL": "`=`",
    "COMMA": "`,`",
    "RPAR": "`)`",
    "RSQB": "`]`",
    "LPAR": "`(`",
    "IN": "`in`",
    "RANGE": "`range(…)`",
    "WRT": "`wrt`",
    "IMPORT": "`import`",
    "ELSE": "`else`",
    "STRING": "a string",
    "_NEWLINE": "the end of the line",
}
# What stands in a name's place after these words.
_NAMES = {
    "model": "the model's name",
    "def": "the function's name",
    "adjoint": "the function's name",
    "from": 'a library module or a file (`"file.dsl"`)',
    ".": "`T`",
    ":": "a type (`real`, `int` or `bool`)",
}


def _expected(fault: Fault) -> list[str]:
    return list(dict.fromkeys(_expected_words(fault)))


def _expected_words(fault: Fault) -> Iterator[str]:
    accepted = fault.accepted
    if "MODEL" in accepted:
        yield "a statement"
        return
    if "AUGMENTED" in accepted:
        yield "`=`"
        return
    if "NUMBER" in accepted:
        yield "an expression"
    elif "NAME" in accepted:
        yield _NAMES.get(_last_word(fault), "a name")
    if "SCALE" in accepted:
        yield "an operator"
    elif "ORDER" in accepted:
        yield "a constraint"
    yield from (word for terminal, word in _WORDS.items() if terminal in accepted - _implied(accepted))


def _implied(accepted: frozenset[str]) -> set[str]:
    """What `an expression`, `an operator` and `a constraint` say already."""
    if "NUMBER" in accepted or "NAME" in accepted:
        return {"LPAR", "STRING"}
    if "SCALE" in accepted:
        return {"LPAR", "EQUAL", "COMMA"} if "_NEWLINE" in accepted else {"LPAR", "EQUAL"}
    return {"IN"} if "ORDER" in accepted else set()


def _last_word(fault: Fault) -> str:
    word = re.search(r"(\w+|\S)\s*$", fault.before[-80:])
    return word.group(1) if word else ""


def _listed(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words) or "the end of the file"
    return ", ".join(words[:-1]) + " or " + words[-1]
