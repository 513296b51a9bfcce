"""What each lexeme of a text is, for whoever shows it in colours: editors, notebooks, web pages.

>>> [(role.role, role.text) for role in roles("input x: real  # data")]
[('declaration', 'input'), ('name', 'x'), ('symbol', ':'), ('type', 'real'), ('comment', '# data')]

As in the grammar, a word such as `input` is a keyword only where it can be one: `input` begins a statement,
`wrt` belongs to a `grad`. Texts that are wrong have roles, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .scanner import CLOSERS, DECLARATIONS, OPENERS, OPERATOR_WORDS, Lexeme, scan

CONTROL = frozenset(["for", "if", "elif", "else", "while", "return", "assert", "from"])
# The words that belong to a statement, by its first word. They are plain names everywhere else.
CLAUSES = {
    "grad": frozenset(["wrt"]),
    "from": frozenset(["import"]),
    "for": frozenset(["checkpoint"]),
    "while": frozenset(["max"]),
}
RANGE = "range"  # a keyword after `in`
KEYWORDS = DECLARATIONS | OPERATOR_WORDS | frozenset([RANGE]).union(*CLAUSES.values())
LOGIC = frozenset(["and", "or", "not", "in"])
TYPES = frozenset(["real", "int", "bool"])
CONSTANTS = frozenset(["pi", "e", "inf", "nan", "true", "false", "None"])
BLOCKS = frozenset(["for", "if", "elif", "else", "while", "def", "adjoint"])
SYMBOLS = frozenset("()[],:.=") | {"..."}
UNUSED = frozenset("{}!&|^?$\\~`;") | {"&&", "||", "^=", "&=", "|=", ":="}


class Role(NamedTuple):
    """`role` is one of those in ROLES."""

    role: str
    text: str
    start: int


ROLES = (
    "declaration", "control", "clause", "logic", "type", "constant", "function", "definition", "name",
    "number", "string", "comment", "operator", "symbol", "wrong",
)  # fmt: skip


def roles(text: str) -> Iterator[Role]:
    """The lexemes with their roles; spaces and line ends are left out."""
    lexemes = list(scan(text))
    state = _State()
    for k, lexeme in enumerate(lexemes):
        following = lexemes[k + 1].text if k + 1 < len(lexemes) else ""
        if lexeme.kind != "newline":
            yield Role(state.role(lexeme, following), lexeme.text, lexeme.start)
        state.pass_over(lexeme)


@dataclass(eq=False)
class _State:
    """Where we are: in which statement, in how many brackets, after what."""

    first: str = ""  # the word that the statement began with
    fresh: bool = True  # nothing of the statement was seen
    begun: bool = False  # something was seen behind its first word
    complete: bool = False  # its clause was seen
    previous: Lexeme = field(default_factory=lambda: Lexeme("newline", "", 0))
    depth: int = 0

    def role(self, lexeme: Lexeme, following: str) -> str:
        if lexeme.kind in ("comment", "string", "number"):
            return lexeme.kind
        if lexeme.kind == "word":
            return self._word(lexeme.text, following)
        if lexeme.text in SYMBOLS:
            return "symbol"
        return "wrong" if lexeme.text in UNUSED else "operator"

    def _word(self, word: str, following: str) -> str:
        if self.fresh and word in DECLARATIONS:
            return "control" if word in CONTROL else "declaration"
        if word in LOGIC:
            return "logic"
        if word in OPERATOR_WORDS:
            return "control"
        if self._is_clause(word) or (word == RANGE and self.previous.text == "in"):
            return "clause"
        if self._is_type(word):
            return "type"
        if self.previous.text in ("def", "adjoint"):
            return "definition"
        if following == "(" and self.previous.text != ".":
            return "function"
        return "constant" if word in CONSTANTS and following != "=" else "name"

    def _is_clause(self, word: str) -> bool:
        behind = self.begun and not self.complete and self.depth == 0
        ended = self.previous.kind in ("word", "number", "string") or self.previous.text in CLOSERS
        return behind and ended and word in CLAUSES.get(self.first, ())

    def _is_type(self, word: str) -> bool:
        heads = self.depth == 0 or (self.depth == 1 and self.first in ("def", "adjoint"))
        return word in TYPES and self.previous.text == ":" and heads

    def pass_over(self, lexeme: Lexeme) -> None:
        """Go on behind a lexeme."""
        if lexeme.kind == "comment" or (lexeme.kind == "newline" and self.depth):
            return
        self.complete = self.complete or self._is_clause(lexeme.text)
        self.depth = max(0, self.depth + (lexeme.text in OPENERS) - (lexeme.text in CLOSERS))
        # What stands behind the colon of a block is a statement of its own.
        head = lexeme.text == ":" and self.depth == 0 and self.first in BLOCKS
        if lexeme.kind == "newline" or head:
            self.first, self.fresh, self.begun, self.complete = "", True, False, False
        elif self.fresh:
            self.first, self.fresh = lexeme.text, False
        else:
            self.begun = True
        self.previous = lexeme


__all__ = ["CLAUSES", "CONSTANTS", "KEYWORDS", "ROLES", "TYPES", "Role", "roles"]
