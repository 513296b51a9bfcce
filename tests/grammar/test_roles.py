"""The role of each lexeme, and that the words are those of the grammar."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from autodiffc.compiler.frontend.scope import _CONSTANTS
from autodiffc.grammar.roles import CONSTANTS, KEYWORDS, ROLES, roles
from autodiffc.grammar.scanner import scan

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted((ROOT / "examples").rglob("*.dsl"))


def told(text: str) -> str:
    return " ".join(f"{role.text}/{role.role}" for role in roles(text))


def test_the_keywords_are_those_of_the_grammar() -> None:
    grammar = (ROOT / "grammar" / "model.lark").read_text()
    words = set(re.findall(r"^[A-Z]+\.1: /(\w+)/ _WORD_END$", grammar, re.M))
    assert words == KEYWORDS


def test_the_constants_are_those_of_the_compiler() -> None:
    assert _CONSTANTS.keys() == CONSTANTS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dim N", "dim/declaration N/name"),
        ("input = 3", "input/declaration =/symbol 3/number"),
        ("x = input", "x/name =/symbol input/name"),
        ("grad L wrt wrt", "grad/declaration L/name wrt/clause wrt/name"),
        ("grad wrt wrt x", "grad/declaration wrt/name wrt/clause x/name"),
        ("wrt = x", "wrt/name =/symbol x/name"),
        ("from nn import relu", "from/control nn/name import/clause relu/name"),
        ('from "a.dsl" import f', 'from/control "a.dsl"/string import/clause f/name'),
        ("for t in range(T) checkpoint:", "for/control t/name in/logic range/clause (/symbol T/name )/symbol checkpoint/clause :/symbol"),
        ("while max(a) > b max 9:", "while/control max/function (/symbol a/name )/symbol >/operator b/name max/clause 9/number :/symbol"),
        ("if a: return b", "if/control a/name :/symbol return/control b/name"),
        ("y = a if c else b", "y/name =/symbol a/name if/control c/name else/control b/name"),
        ("def f(a: real[N], b=int): return e", "def/declaration f/definition (/symbol a/name :/symbol real/type [/symbol N/name ]/symbol ,/symbol b/name =/symbol int/name )/symbol :/symbol return/control e/constant"),
        ("e = x[a:int]", "e/name =/symbol x/name [/symbol a/name :/symbol int/name ]/symbol"),
        ("f(\ninput)\ninput x", "f/function (/symbol input/name )/symbol input/declaration x/name"),
        ("y = not a and b # why", "y/name =/symbol not/logic a/name and/logic b/name # why/comment"),
        ('assert x > 0, "no"', 'assert/control x/name >/operator 0/number ,/symbol "no"/string'),
        ("x = A.T ** -2 @ B", "x/name =/symbol A/name ./symbol T/name **/operator -/operator 2/number @/operator B/name"),
        ("a ^ b && c", "a/name ^/wrong b/name &&/wrong c/name"),
        ("θ += σ(x)", "θ/name +=/operator σ/function (/symbol x/name )/symbol"),
    ],
)  # fmt: skip
def test_roles_depend_on_where_a_word_stands(text: str, expected: str) -> None:
    assert told(text) == expected


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_each_lexeme_of_a_model_has_one_role(path: Path) -> None:
    text = path.read_text("utf-8")
    found = list(roles(text))
    assert [(r.text, r.start) for r in found] == [
        (x.text, x.start) for x in scan(text) if x.kind != "newline"
    ]
    assert {r.role for r in found} <= set(ROLES) - {"wrong"}
