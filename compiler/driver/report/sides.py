"""The source and the module side by side, as HTML: each line has an anchor, and knows its partners.

links = {4: (61, 62, 79)}      lines of the module that line 4 of the model became
"""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Collection, Iterator, Mapping, Sequence
from html import escape

from autodiffc.codegen.sourcelines import LogicalLines
from autodiffc.grammar.source import Source

WORDS = (
    "model|dim|input|param|const|output|loss|grad|wrt|def|adjoint|return|for|in|while|if|elif|else|var|from|import|"
    "range|and|or|not|max|checkpoint|assert"
)
DSL = re.compile(
    rf"(?P<c>#[^\n]*)|(?P<s>\"[^\"\n]*\"|'[^'\n]*')|(?P<k>\b(?:{WORDS})\b)"
    r"|(?P<n>(?<![\w.])\d[\w.]*)"
)
Marks = Sequence[tuple[int, int, str]]  # start, end, class


def source_pane(source: Source, links: Mapping[int, Collection[int]]) -> str:
    """The model, a line for each of its lines; continued lines belong to the first of their statement."""
    lines, logical = source.text.rstrip("\n").split("\n"), LogicalLines(source)
    linked = [bool(links.get(logical.start(number))) for number in range(1, len(lines) + 1)]
    marks = [[(m.start(), m.end(), str(m.lastgroup)) for m in DSL.finditer(line)] for line in lines]
    return _pane("s", "Model", list(map(_coloured, lines, marks)), linked)


def module_pane(text: str, linked: Collection[int]) -> str:
    """The module."""
    lines = text.rstrip("\n").split("\n")
    marks: list[list[tuple[int, int, str]]] = [[] for _ in lines]
    for row, start, end, what in _tokens(text):
        marks[row].append((start, end, what))
    rows = [_coloured(line, found) for line, found in zip(lines, marks)]
    return _pane("m", "Module", rows, [number in linked for number in range(1, len(lines) + 1)])


def _tokens(text: str) -> Iterator[tuple[int, int, int, str]]:
    """Comments, strings, keywords and numbers of Python: row from 0, columns, class."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        what = {tokenize.COMMENT: "c", tokenize.STRING: "s", tokenize.NUMBER: "n"}.get(token.type, "")
        if token.type == tokenize.NAME and keyword.iskeyword(token.string):
            what = "k"
        (first, start), (last, end) = token.start, token.end
        for row in range(first, last + 1) if what else ():
            length = len(token.string.split("\n")[row - first])
            begin = start if row == first else 0
            yield row - 1, begin, end if row == last else begin + length, what


def _coloured(line: str, marks: Marks) -> str:
    parts, at = [], 0
    for start, end, what in marks:
        parts += [escape(line[at:start]), f'<span class="{what}">{escape(line[start:end])}</span>']
        at = end
    return "".join(parts) + escape(line[at:])


def _pane(prefix: str, label: str, rows: Sequence[str], linked: Sequence[bool]) -> str:
    lines = [
        f'<li class="line{" linked" if link else ""}" id="{prefix}{number}">'
        f'<span class="at">{number}</span>{row}</li>'
        for number, (row, link) in enumerate(zip(rows, linked), start=1)
    ]
    return f'<ol class="code" aria-label="{label}">{"".join(lines)}</ol>'


def spread(source: Source, links: Mapping[int, Collection[int]]) -> dict[int, list[int]]:
    """The links of the first lines of statements, for all lines of these."""
    logical = LogicalLines(source)
    lines = range(1, len(source.line_starts) + 1)
    return {n: sorted(links[logical.start(n)]) for n in lines if links.get(logical.start(n))}
