"""The parts of a piece of syntax, for what is asked of names before anything is evaluated.

sum(a * b)          Call sum(…), Binary a * b, Name a, Name b
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Diagnostic


def walk(root: object) -> Iterator[ast.Syntax]:
    """The expressions below a piece of syntax; names of calls, keywords and types are not among them."""
    stack: list[object] = [root]
    while stack:
        part = stack.pop()
        if isinstance(part, tuple):
            stack.extend(reversed(part))
        elif isinstance(part, (ast.Keyword, ast.Assign)):
            stack.append(part.value)
        elif isinstance(part, (ast.Attribute, ast.Slice)):
            stack.extend(
                [part.value] if isinstance(part, ast.Attribute) else [part.start, part.stop, part.step]
            )
        elif isinstance(part, ast.Call):
            yield part
            stack.extend([part.args, part.keywords])
        elif isinstance(part, ast.Syntax) and not isinstance(part, (ast.TypeExpr, ast.Generator)):
            yield part
            stack.extend(getattr(part, f.name) for f in reversed(fields(part)) if f.name != "span")


def words_of(diagnostics: Sequence[Diagnostic]) -> frozenset[str]:
    """Every word on a line that did not parse: it may have been defined there."""
    words: set[str] = set()
    for span in (span for d in diagnostics for span in (d.span, *(n.span for n in d.notes))):
        source = span.source
        for number in range(span.line, source.place(span.end)[0] + 1):
            text = "".join(c if f"_{c}".isidentifier() else " " for c in source.line(number))
            words |= set(text.split())
    return frozenset(words)
