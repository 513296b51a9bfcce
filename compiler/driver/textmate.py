"""The TextMate grammar of the language, for VS Code, JetBrains' editors, GitHub's Linguist, …

    $ python -m autodiffc.textmate > editors/vscode/syntaxes/autodiffc.tmLanguage.json

Its words are the scanner's, the names of the built-in functions the compiler's. Editors read it line by line:
brackets are regions, all else is found by what stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from autodiffc.compiler.frontend.calls import usages
from autodiffc.grammar.roles import CONSTANTS, CONTROL, LOGIC, TYPES
from autodiffc.grammar.scanner import DECLARATIONS

SCOPE = "source.autodiffc"
WORD = r"[^\W\d]\w*"
DIGITS = "[0-9][0-9_]*"
REAL = rf"(?:{DIGITS}(?:\.[0-9_]*)?|\.{DIGITS})(?:[eE][+-]?{DIGITS})?"
NUMBER = rf"(?<![\w.])(?:0[xX][0-9a-fA-F_]+|{REAL})"
OPERATOR = r"\*\*=?|//=?|[-+*/%@]=?|[<>=!]=|[<>]"
Rule = dict[str, Any]


def grammar() -> Rule:
    """The grammar as data."""
    inside = ["comment", "string", "generator", "logic", "constant", "call", "number", "brackets", "operator"]
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "autodiffc",
        "scopeName": SCOPE,
        "fileTypes": ["dsl"],
        "patterns": _included(["comment", "definition", "statement", "clause", "type", *inside]),
        "repository": {
            "comment": _match(r"#.*$", "comment.line.number-sign"),
            "string": {"patterns": [_match(_quoted(quote), "string.quoted") for quote in "\"'"]},
            "number": _match(NUMBER, "constant.numeric"),
            "operator": _match(OPERATOR, "keyword.operator"),
            "logic": {
                "patterns": [
                    _match(rf"\b(?:{_any(LOGIC)})\b", "keyword.operator.word"),
                    _match(r"\b(?:if|else)\b", "keyword.control"),
                ]
            },
            "constant": _match(rf"(?<!\.)\b(?:{_any(CONSTANTS)})\b(?!\s*(?:\(|=(?!=)))", "constant.language"),
            "generator": _groups(
                rf"\b(?:(for)\s+{WORD}\s+)?(in)\s+(range)\b", "keyword.control", "keyword.operator.word",
                "keyword.other",
            ),
            "call": {
                "patterns": [
                    _match(
                        rf"\b(?:{_any(usages())})(?=\s*\()", "support.function.builtin"
                    ),
                    _match(rf"{WORD}(?=\s*\()", "entity.name.function.call"),
                ]
            },
            "definition": {
                "begin": rf"^\s*(def|adjoint)\s+({WORD})\s*(\()",
                "end": r"\)",
                "beginCaptures": _captures("storage.type.function", "entity.name.function"),
                "patterns": _included(["comment", "type", *inside]),
            },
            "statement": {"patterns": _statements()},
            "clause": {
                "patterns": [
                    _match(r"(?<=\))\s*\bcheckpoint(?=\s*:)", "keyword.other"),
                    _match(r"(?<=[\w)\]])\s+max(?=\s+[\w(])", "keyword.other"),
                ]
            },
            "type": _groups(rf":\s*({_any(TYPES)})\b", "storage.type"),
            "brackets": {
                "patterns": [
                    {"begin": rf"\{opener}", "end": rf"\{closer}", "patterns": _included(inside)}
                    for opener, closer in ("()", "[]")
                ]
            },
        },
    }  # fmt: skip


def _statements() -> list[Rule]:
    """What a line, or what stands behind the colon of a block, begins with."""
    start = r"(?:^|(?<=:))\s*"
    plain = DECLARATIONS - CONTROL
    return [
        _groups(rf"^\s*(grad)\s+{WORD}\s+(wrt)\b", "keyword.declaration", "keyword.other"),
        _groups(rf"""^\s*(from)\s+(?:{WORD}|("[^"]*"|'[^']*'))\s+(import)\b""", "keyword.control",
                "string.quoted", "keyword.other"),
        _groups(rf"^\s*(for)\s+{WORD}\s+(in)\s+(range)\b", "keyword.control", "keyword.operator.word",
                "keyword.other"),
        _groups(rf"{start}({_any(CONTROL)})\b", "keyword.control"),
        _groups(rf"{start}({_any(plain)})\b", "keyword.declaration"),
    ]  # fmt: skip


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words))


def _quoted(quote: str) -> str:
    return rf"{quote}(?:[^{quote}\\]|\\.)*{quote}"


def _named(scope: str) -> str:
    return f"{scope}.autodiffc"


def _match(pattern: str, scope: str) -> Rule:
    return {"match": pattern, "name": _named(scope)}


def _groups(pattern: str, *scopes: str) -> Rule:
    return {"match": pattern, "captures": _captures(*scopes)}


def _captures(*scopes: str) -> Rule:
    return {str(k): {"name": _named(scope)} for k, scope in enumerate(scopes, 1)}


def _included(names: Iterable[str]) -> list[Rule]:
    return [{"include": f"#{name}"} for name in dict.fromkeys(names)]


def text() -> str:
    """The grammar as a file."""
    return json.dumps(grammar(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
