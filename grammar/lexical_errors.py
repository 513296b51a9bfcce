"""Findings about single tokens and characters: `a ^ b`, `1e999`, `x²`, a NUL byte.

>>> leaf = Leaf("NUMBER", "1e999", Span(Source("m.dsl", "1e999"), 0, 5))
>>> [finding.code for finding in token_findings(leaf)]
['E0105']

None of them stops the parser: the token is read as what it was meant to be.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from .builder import Leaf, misfit, number_value
from .diagnostics import Diagnostic
from .source import Source, Span

_LONE_RETURN = "\r(?!\n)"
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]|" + _LONE_RETURN)
_LEADING_ZEROS = re.compile(r"0[0-9_]*[1-9]")

# What to write instead. Longer spellings come before their beginnings.
CHARACTER_HELP = {
    "&&": "`and` joins two conditions",
    "||": "`or` joins two conditions",
    "&": "`and` joins two conditions",
    "|": "`or` joins two conditions; an absolute value is `abs(x)`",
    "~": "`not` turns a condition around; a distribution enters the loss as its log density",
    "!": "`not` turns a condition around; `!=` compares",
    "?": "a choice is `a if condition else b`",
    ";": "each statement stands on a line of its own",
    "\\": "an expression goes on over the next line inside brackets: `(a +` … `b)`",
    "{": "a block begins with `:` and is indented; an array is `[a, b]`",
    "}": "a block ends where its indentation ends",
    "`": "a string stands in quotes: \"…\" or '…'",
    "$": "a name is made of letters, digits and `_`",
    "'": "a string stands in quotes: \"…\" or '…'; a transpose is `A.T`",
    "“": 'straight quotes: "…"',
    "”": 'straight quotes: "…"',
    "‘": "straight quotes: '…'",
    "’": "straight quotes: '…'; a transpose is `A.T`",
    "−": "the minus sign is `-`",
    "–": "the minus sign is `-`",
    "—": "the minus sign is `-`",
    "×": "`*` multiplies",
    "·": "`*` multiplies, `@` is the matrix product",
    "⋅": "`*` multiplies, `@` is the matrix product",
    "∙": "`*` multiplies, `@` is the matrix product",
    "⊙": "`*` multiplies element by element",
    "÷": "`/` divides",
    "≤": "`<=` compares",
    "≥": "`>=` compares",
    "≠": "`!=` compares",
    "√": "a square root is `sqrt(x)`",
    "∞": "infinity is `inf`",
    "∑": "a sum is `sum(…)`",
    "∏": "a product is `prod(…)`",
    "∂": "a derivative is `grad(L, x)`; a name could be `d_x`",
    "∇": "a gradient is `grad(L, x)`",
    "ᵀ": "a transpose is `A.T`",
    "⊤": "a transpose is `A.T`",
    "…": "three dots: `...`",
    "→": "a name gets its value by `=`",
    "←": "a name gets its value by `=`",
    "²": "a square is `x**2`",
    "³": "a cube is `x**3`",
    "¹": "a power is `x**n`",
    "′": "a name could be `x_prime`; a transpose is `A.T`",
}
CHARACTER_HELP |= {digit: f"write `x{i}` or `x_{i}`" for i, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")}
_NAMED = {"\0": "a NUL character", "\f": "a form feed", "\v": "a vertical tab", "\r": "a carriage return"}
_NAMED |= {"\xa0": "a no-break space", "\u3000": "a wide space", "\ufeff": "a byte order mark"}
_NAMED |= {"\u200b": "a zero-width space", "\x1b": "an escape character"}


def character_name(text: str) -> str:
    """What to call characters in a message, visible or not."""
    first = text[0]
    if first in _NAMED:
        return _NAMED[first]
    return f"`{text}`" if text.isprintable() else f"the character U+{ord(first):04X}"


def misused_character(source: Source, start: int, text: str) -> Diagnostic:
    """E0103 for a character (or a run of them) that the language does not use."""
    help = CHARACTER_HELP.get(text, CHARACTER_HELP.get(text[0], ""))
    if text[0] == "\r":
        help = "a line ends in a line feed, with or without a carriage return before it"
    elif text.isspace():
        help = "use a plain space"
    message = f"{character_name(text)} has no place in a model"
    return Diagnostic("E0103", message, Span(source, start, start + len(text)), help=help)


def control_characters(source: Source) -> Iterator[Diagnostic]:
    """The first of each kind, wherever it stands: even in a comment it would reach the emitted module."""
    for character, count in Counter(_CONTROL.findall(source.text)).items():
        first = re.compile(_LONE_RETURN if character == "\r" else re.escape(character)).search(source.text)
        if first is not None:
            finding = misused_character(source, first.start(), character)
            yield replace(finding, label=f"there are {count} in this file" if count > 1 else "")


def without_control_characters(text: str) -> str:
    """The text with a space for each control character, and a line's end for a lone carriage return."""
    return _CONTROL.sub(" ", re.sub(_LONE_RETURN, "\n", text))


def caret(span: Span) -> Diagnostic:
    return Diagnostic("E0104", "`^` is not a power", span, help="a power is `x**n`")


def token_findings(leaf: Leaf) -> Iterator[Diagnostic]:
    if leaf.type == "NUMBER":
        yield from _number_findings(leaf)
    elif leaf.type == "NAME" and not leaf.text.isascii():
        yield from _name_findings(leaf)
    elif leaf.text == "^":
        yield caret(leaf.span)


def _number_findings(leaf: Leaf) -> Iterator[Diagnostic]:
    if math.isinf(number_value(leaf.text)):
        message, label = "this number is beyond a double's range", "the largest is about 1.8e308"
        yield Diagnostic("E0105", message, leaf.span, label, help="infinity is `inf`")
    elif _LEADING_ZEROS.fullmatch(leaf.text):
        help = f"write `{leaf.text.lstrip('0_')}`"
        yield Diagnostic("E0101", "an integer does not begin with 0", leaf.span, help=help)


def _name_findings(leaf: Leaf) -> Iterator[Diagnostic]:
    """A name is what Python takes for one; the first character that isn't part of any is shown."""
    bad = misfit(leaf.text)
    if bad is not None:
        yield misused_character(leaf.span.source, leaf.span.start + bad, leaf.text[bad])
