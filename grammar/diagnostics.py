"""Diagnostics as values, and the renderers that print them.

A message never stands alone: it has a stable code, a place, what was found and expected in the model's
terms, a second place where two disagree, and a way out where one is likely.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from .records import record
from .source import Source, Span

CODES: dict[str, str] = {
    "E0101": "the text is not a statement of the language",
    "E0102": "indentation does not line up",
    "E0103": "a character that the language does not use",
    "E0104": "`^` where `**` is meant",
    "E0105": "a number beyond a double's range",
    "E0106": "nested too deeply",
    "E0107": "a bracket or a string that is not closed",
    "E0108": "not UTF-8 text",
    "E0201": "a name that is not defined",
    "E0202": "a function that is not defined",
    "E0203": "shapes do not agree",
    "E0204": "a value of the wrong kind",
    "E0205": "a call that does not fit the function",
    "E0206": "a name defined twice",
    "E0207": "an axis that the array does not have",
    "E0208": "an index that does not fit",
    "E0209": "a value that is not of its stated type",
    "E0210": "a tuple of the wrong length",
    "E0211": "a function that calls itself",
    "E0212": "a result too large to compile",
    "E0301": "neither loss nor output",
    "E0302": "a dim that nothing binds",
    "E0303": "a second loss, model or grad",
    "E0304": "a loss that is not a real scalar",
    "E0305": "a derivative that does not exist",
    "E0306": "an initialiser that does not fit",
    "E0307": "a constraint that does not fit",
    "E0308": "an import that cannot be resolved",
    "E0309": "a statement in the wrong place",
    "E0310": "a name that cannot be used here",
    "E0311": "-D gives a dim that the model does not take",
    "E0312": "an adjoint that does not fit its function",
    "E0313": "an assertion that does not hold",
    "E0314": "a loop that never ends",
    "E0315": "elements that cannot be written or read so",
}


@record(frozen=True)
class Note:
    """A second place, with a word on it."""

    span: Span
    message: str


@record(frozen=True)
class Diagnostic:
    """One finding.

    `message` is the headline, `label` stands beside the carets, `notes` are further places that are shown
    as text (`x is declared at 6:7`), `help` is the way out.
    """

    code: str
    message: str
    span: Span
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    severity: str = "error"


class ModelError(Exception):
    """A model that cannot be compiled, with everything that is wrong with it."""

    def __init__(self, diagnostics: Sequence[Diagnostic]):
        self.diagnostics = tuple(diagnostics)
        super().__init__(render_all(self.diagnostics))


class InternalError(Exception):
    """A fault of the compiler's own; the message names the pass and shows the IR around it."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` where a known word is close, else nothing."""
    candidates = sorted(set(known))
    close = get_close_matches(word, candidates, n=1, cutoff=0.7)
    if not close:
        lowered = {name.lower(): name for name in candidates}
        close = [lowered[word.lower()]] if word.lower() in lowered else []
    return f"did you mean `{close[0]}`?" if close else ""


def _display_width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    marks = sum(bool(unicodedata.combining(char)) for char in text)
    return len(text) + wide - marks


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _clipped(line: str, start: int, end: int, width: int = 160) -> tuple[str, int, int]:
    """A very long source line is shown around its span only."""
    if len(line) <= width:
        return line, start, end
    left = max(0, start - width // 3)
    text = ("…" if left else "") + line[left : left + width] + ("…" if left + width < len(line) else "")
    shift = left - (1 if left else 0)
    return text, start - shift, min(end - shift, len(text))


def render(diagnostic: Diagnostic) -> str:
    """The full form: headline, source line with carets, notes, help."""
    span = diagnostic.span
    line_number = span.line
    column = span.column - 1
    raw = span.source.line(line_number)
    width = max(1, min(span.end - span.start, len(raw) - column))
    raw, column, end = _clipped(raw, column, column + width)
    shown = _printable(raw.replace("\t", " "))
    gutter = " " * len(str(line_number))
    carets = " " * _display_width(shown[:column]) + "^" * max(1, _display_width(shown[column:end]))
    lines = [
        f"{span}: {diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}",
        f"{gutter} |",
        f"{line_number} | {shown}".rstrip(),
        f"{gutter} | {carets} {diagnostic.label}".rstrip(),
    ]
    extra = (
        [", ".join(_note_text(note, span.source) for note in diagnostic.notes)] if diagnostic.notes else []
    )
    if diagnostic.help:
        extra.append(f"help: {diagnostic.help}")
    if extra:
        lines.append(f"{gutter} |")
        lines.extend(f"{gutter} = {text}" for text in extra)
    return "\n".join(map(_printable, lines))


def _note_text(note: Note, source: Source) -> str:
    place = f"{note.span.line}:{note.span.column}"
    if note.span.source is not source:
        place = str(note.span)
    return f"{note.message} at {place}"


def render_all(diagnostics: Iterable[Diagnostic]) -> str:
    return "\n\n".join(render(d) for d in in_order(diagnostics))


def render_concise(diagnostics: Iterable[Diagnostic]) -> str:
    """One line each, as editors and grep like it."""
    lines = (f"{d.span}: {d.severity}[{d.code}]: {d.message}" for d in in_order(diagnostics))
    return "\n".join(map(_printable, lines))


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """One JSON array; lines and columns from 1."""
    rows = [
        {
            "code": d.code,
            "severity": d.severity,
            "message": d.message,
            "file": d.span.source.name,
            "line": d.span.line,
            "column": d.span.column,
            "end_line": d.span.source.place(d.span.end)[0],
            "end_column": d.span.source.place(d.span.end)[1],
            "label": d.label,
            "notes": [_note_row(n) for n in d.notes],
            "help": d.help,
        }
        for d in in_order(diagnostics)
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _note_row(note: Note) -> dict[str, object]:
    return {
        "message": note.message,
        "file": note.span.source.name,
        "line": note.span.line,
        "column": note.span.column,
    }


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By place; the same finding at the same place once."""
    unique = {(d.span.source.name, d.span.start, d.code, d.message): d for d in diagnostics}
    return [unique[key] for key in sorted(unique)]
