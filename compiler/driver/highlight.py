"""Highlighting by Pygments: the lexer that its entry point names `autodiffc`, for files `*.dsl`.

    $ pygmentize -l autodiffc model.dsl
    $ pygmentize -l autodiffc -f html -O full -o model.html model.dsl

Documents that Pygments colours (MkDocs, Sphinx, notebooks) know fenced blocks of the language `autodiffc` by
it. Pygments is no dependency: nothing else imports this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from autodiffc.grammar.roles import roles
from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

TOKENS: dict[str, _TokenType] = {
    "declaration": Keyword.Declaration,
    "control": Keyword,
    "clause": Keyword,
    "logic": Operator.Word,
    "type": Keyword.Type,
    "constant": Name.Constant,
    "function": Name.Function,
    "definition": Name.Function,
    "name": Name,
    "number": Number,
    "string": String,
    "comment": Comment.Single,
    "operator": Operator,
    "symbol": Punctuation,
    "wrong": Error,
}


class ModelLexer(Lexer):
    """For the language of autodiffc's model files."""

    name = "autodiffc"
    url = "https://pypi.org/project/autodiffc/"
    aliases: ClassVar[list[str]] = ["autodiffc"]
    filenames: ClassVar[list[str]] = ["*.dsl"]

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """Offset, token and text of each lexeme, and of the space between them."""
        end = 0
        for role, shown, start in roles(text):
            if start > end:
                yield end, Whitespace, text[end:start]
            yield start, _token(role, shown), shown
            end = start + len(shown)
        if end < len(text):
            yield end, Whitespace, text[end:]


def _token(role: str, text: str) -> _TokenType:
    if role == "function" and text in _built_in():
        return Name.Builtin
    return TOKENS[role]


def _built_in() -> frozenset[str]:
    """The functions of the language, from the compiler itself."""
    from autodiffc.compiler.frontend.calls import usages

    return frozenset(usages())
