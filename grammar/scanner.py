"""Lexemes of a text without its grammar: what the formatter lays out and what error messages look at.

>>> [lexeme.text for lexeme in scan("h = relu(x @ W)  # layer")]
['h', '=', 'relu', '(', 'x', '@', 'W', ')', '# layer']

Unlike the parser's lexer it needs no context, never fails, and can start anywhere between two lexemes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

OPENERS = {"(": ")", "[": "]", "{": "}"}
CLOSERS = {close: open_ for open_, close in OPENERS.items()}
DECLARATIONS = frozenset(
    ["model", "dim", "input", "param", "const", "var", "output", "loss", "grad", "def", "adjoint", "from"]
    + ["for", "if", "elif", "else", "while", "return", "assert"]
)
OPERATOR_WORDS = frozenset(["and", "or", "not", "in", "if", "else", "for"])

_LEXEME = re.compile(
    r"""[ \t]+ | \A\ufeff
    | (?P<newline>\r?\n)
    | (?P<comment>\#[^\r\n]*)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
    | (?P<number>0[xX][0-9a-fA-F_]+
        | (?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)
    | (?P<word>[^\W\d][^\s\x00-\x2f:-@\[-^`\x7b-\x7f]*)
    | (?P<symbol>\.\.\.|\*\*=|//=|[-+*/%@<>=!:^&|]=|\*\*|//|&&|\|\||.)""",
    re.VERBOSE,
)


class Lexeme(NamedTuple):
    """`kind` is newline, comment, string, number, word or symbol."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def scan(text: str, start: int = 0) -> Iterator[Lexeme]:
    """The lexemes from an offset on; spaces are left out."""
    for match in _LEXEME.finditer(text, start):
        if match.lastgroup is not None:
            yield Lexeme(match.lastgroup, match.group(), match.start())


def lexeme_at(text: str, offset: int) -> Lexeme:
    """The lexeme that begins at or after an offset; the end of the text counts as a newline."""
    return next(scan(text, offset), Lexeme("newline", "", len(text)))
