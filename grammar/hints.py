"""Known mistakes and the words for them: habits of other languages, and slips.

    for i in N:         before: `for i in `, found: `N`  →  expected `range(…)`; help: `for i in range(N):` counts

A row is an example program (the tests hold that it leads to its row), two patterns, the headline and the way
out. `before` must match up to where the parser stopped, `found` from there on; `needs` is a token that the parser
could have gone on with. The first row that fits is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .diagnostics import suggestion
from .scanner import DECLARATIONS, Lexeme

_TARGET = r"^[^\W\d]\w*\s*(?:\[[^\]]*\]\s*)?$"
_END = r"\s*(?:#.*)?(?:\r?\n|\Z)"
_KEPT = 400  # characters of a long statement that the patterns see


@dataclass(frozen=True)
class Hint:
    message: str
    help: str = ""
    code: str = "E0101"


@dataclass(frozen=True)
class Row:
    """`message` and `help` may use the groups of `before` as {0}, {1} and what was found as {found}."""

    example: str
    before: str
    found: str
    message: str
    help: str = ""
    needs: str = ""

    def hint(self, before: str, text: str, found: Lexeme, accepted: frozenset[str]) -> Hint | None:
        if self.needs and self.needs not in accepted:
            return None
        left = re.search(self.before, before, re.DOTALL)
        right = left and re.compile(self.found).match(text, found.start)
        if not (left and right):
            return None
        groups = [group or "" for group in left.groups()]
        shown = found.text or "the end of the line"
        return Hint(self.message.format(*groups, found=shown), self.help.format(*groups, found=shown))


def hint_for(before: str, text: str, found: Lexeme, accepted: frozenset[str]) -> Hint | None:
    if len(before) > 2 * _KEPT:
        before = f"{before[:_KEPT]} … {before[-_KEPT:]}"
    hints = (row.hint(before, text, found, accepted) for row in ROWS)
    return next((hint for hint in hints if hint), None) or _stray_word(before, found)


_FOREIGN = {
    "function": "a function begins with `def`",
    "func": "a function begins with `def`",
    "fn": "a function begins with `def`",
    "let": "a name gets its value by `=` alone: `x = …`",
    "import": "the language's functions need no import; `from nn import …` takes functions from the library",
    "class": "a model is a file; its functions begin with `def`",
    "pass": "a block holds at least one statement",
    "break": "a loop that may stop early is `while condition:`",
    "continue": "a step that may do nothing is an `if` in the loop",
    "real": "data is declared by `input x: real`",
    "int": "data is declared by `input x: int`",
    "bool": "data is declared by `input x: bool`",
    "data": "data is declared by `input x: real`",
    "parameter": "what is learned is declared by `param x: real`",
}


def _stray_word(before: str, found: Lexeme) -> Hint | None:
    """Two words in a row, the first of which begins no statement."""
    match = re.fullmatch(r"([^\W\d]\w*)\s*", before)
    if match is None or match.group(1) in DECLARATIONS or found.kind not in ("word", "string", "newline"):
        return None
    word = match.group(1)
    help = _FOREIGN.get(word, "")
    if found.kind == "newline" and not help:
        return None
    return Hint(f"`{word}` does not begin a statement", help or suggestion(word, DECLARATIONS))


ROWS = (
    # --- a statement's beginning ---
    Row("else:\n    x = 1", r"^$", r"else\b|elif\b", "`{found}` without an `if` before it",
        "it follows the block of an `if`, with the same indentation"),
    Row("// a comment", r"^$", r"//|/\*|%|--", "expected a statement, found `{found}`", "a comment begins with `#`"),
    Row("'''text'''", r"^$", r"['\"]", "a text alone is not a statement", "a comment begins with `#`"),
    Row("loss L: real = x", r"^loss(?:\s+(\w+))?\s*$", r":", "a loss states no type",
        "it is always a real scalar: `loss {0} = …`"),
    Row("dim N: int", r"^dim\b.*$", r":", "a dim has no type", "it is an integer: `dim N`"),
    Row("input = 3", rf"^({'|'.join(sorted(DECLARATIONS))})\s*$", r"[-+*/@%]?=|:|,|\[|\.|\(|[-+*/@]",
        "`{0}` begins a statement of its own, so no such name can stand here", "choose another name",),
    Row("x := 3", r"^\w+\s*:$", r"=", "`:=` is not used", "`=` gives a name its value"),
    Row("x ← 3".replace("←", "<-"), _TARGET, r"<-", "`<-` is not used", "`=` gives a name its value"),
    Row("x++", r"^(\w+)\s*$", r"(\+\+|--)", "there is no `++` or `--`", "`{0} += 1` counts up"),
    Row("x == 3", _TARGET, r"==", "`==` compares; it gives no value", "`=` gives a name its value"),
    Row("print(x)", r"^([^\W\d]\w*)\s*$", r"\(", "`{0}(…)` alone is not a statement",
        "give its value a name: `y = {0}(…)`"),
    Row("x: real", r"^(\w+)\s*:\s*\w+.*$", _END, "`{0}` gets no value", "`input`, `param` or `var` declare a name without one",
        needs="EQUAL"),
    Row("x", r"^([^\W\d]\w*)$", _END, "`{0}` alone is not a statement", "give it a value: `{0} = …`", needs="AUGMENTED"),
    Row("x + y", _TARGET, r"[-+*/@%.<>]", "an expression alone is not a statement", "give its value a name: `y = …`",
        needs="AUGMENTED"),
)
