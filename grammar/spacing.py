"""Where spaces stand within a line: one rule book for the formatter and the printer.

>>> respaced("h=relu( x@W+b )[ :,1 : ]**2")
'h = relu(x @ W + b)[:, 1:]**2'

Operators have spaces around them, but for `**`, for the signs of numbers, and in an index or a shape
(`x[t-1]`, `real[4*H]`), as papers and NumPy programs are written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .scanner import CLOSERS, DECLARATIONS, OPENERS, OPERATOR_WORDS, Lexeme, scan

_ARITHMETIC = frozenset(["+", "-", "*", "/", "//", "%", "@"])
_BLOCK_WORDS = frozenset(["if", "elif", "else", "for", "while", "def", "adjoint"])


@dataclass
class _Bracket:
    """`kind` is index, call (also a function's parameters), group or list; `typed` is after `name:`."""

    kind: str
    tight: bool
    typed: bool = False


class Spacing:
    """Reads a statement's lexemes in order, and says before which of them a space stands."""

    def __init__(self) -> None:
        self.brackets: list[_Bracket] = []
        self.previous: Lexeme | None = None
        self.after_operand = False  # the lexeme before is the end of a value
        self.glued = True  # no space may follow the lexeme before
        self.opens_block = False
        self.after_block = False

    def before(self, lexeme: Lexeme) -> bool:
        """Whether a space stands before the statement's next lexeme."""
        space = not self.glued and self._wants_space(lexeme)
        self._advance(lexeme)
        return space

    @property
    def _tight(self) -> bool:
        return bool(self.brackets) and self.brackets[-1].tight

    @property
    def _in_index(self) -> bool:
        return bool(self.brackets) and self.brackets[-1].kind == "index"

    def _wants_space(self, lexeme: Lexeme) -> bool:
        text = lexeme.text
        if text in CLOSERS or text in (",", "**"):
            return False
        if text == ":":
            return self.previous is not None and self.previous.text == ","
        if text == ".":
            return self.previous is not None and self.previous.kind == "number"
        if text in OPENERS:
            return not self.after_operand
        if text == "=":
            return not self.brackets or self.brackets[-1].typed
        if text in _ARITHMETIC and self.after_operand:
            return not self._tight
        return True

    def _advance(self, lexeme: Lexeme) -> None:
        text = lexeme.text
        operand = self._is_operand(lexeme)
        self.glued = self._glues(lexeme)
        if text in OPENERS:
            self.brackets.append(self._bracket(text))
        elif text in CLOSERS and self.brackets:
            self.brackets.pop()
        elif text in (",", ":") and self.brackets:
            self.brackets[-1].typed = text == ":"
        self._note_block(lexeme)
        self.previous, self.after_operand = lexeme, operand

    def _is_operand(self, lexeme: Lexeme) -> bool:
        if lexeme.kind == "word":
            return not self._is_keyword(lexeme.text)
        return lexeme.kind in ("number", "string") or lexeme.text in CLOSERS or lexeme.text == "..."

    def _is_keyword(self, word: str) -> bool:
        """Two values never stand side by side: `wrt`, `max`, `import` after one are keywords."""
        begins = self.previous is None or self.after_block
        return word in OPERATOR_WORDS or self.after_operand or (begins and word in DECLARATIONS)

    def _note_block(self, lexeme: Lexeme) -> None:
        """A block's colon: what stands after it on the line is a statement of its own."""
        if self.previous is None:
            self.opens_block = lexeme.text in _BLOCK_WORDS
        self.after_block = lexeme.text == ":" and not self.brackets and self.opens_block
        self.opens_block = self.opens_block and not self.after_block

    def _glues(self, lexeme: Lexeme) -> bool:
        text = lexeme.text
        if text in OPENERS or text in (".", "**"):
            return True
        if text == ":":
            return self._in_index
        if text == "=":
            return bool(self.brackets) and not self.brackets[-1].typed
        return text in _ARITHMETIC and (self._tight or not self.after_operand)

    def _bracket(self, text: str) -> _Bracket:
        if text == "[":
            return _Bracket("index" if self.after_operand else "list", self.after_operand)
        if self.after_operand:
            return _Bracket("call", False)
        return _Bracket("group", self._tight)


def join(lexemes: Iterable[Lexeme]) -> str:
    """A statement's lexemes on one line."""
    spacing = Spacing()
    return "".join((" " if spacing.before(lexeme) else "") + lexeme.text for lexeme in lexemes)


def respaced(text: str) -> str:
    """One statement or expression with its spaces put right."""
    return join(scan(text))
