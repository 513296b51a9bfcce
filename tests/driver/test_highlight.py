"""The Pygments lexer: found by its name and by files' endings, and true to the text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from autodiffc.grammar.roles import ROLES
from autodiffc.highlight import TOKENS, ModelLexer
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Error, Name

if sys.version_info >= (3, 11):
    import tomllib

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted((ROOT / "examples").rglob("*.dsl"))


def test_pygments_finds_the_lexer_by_its_entry_point() -> None:
    assert type(get_lexer_by_name("autodiffc")).__name__ == "ModelLexer"
    assert get_lexer_for_filename("classifier.dsl").name == "autodiffc"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_the_project_declares_the_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pygments.lexers"] == {"autodiffc": "autodiffc.highlight:ModelLexer"}
    assert not any("pygments" in requirement.lower() for requirement in project["dependencies"])


def test_each_role_has_a_token() -> None:
    assert set(TOKENS) == set(ROLES)


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_tokens_join_up_to_the_text(path: Path) -> None:
    text = path.read_text("utf-8")
    tokens = list(ModelLexer().get_tokens_unprocessed(text))
    assert "".join(shown for _, _, shown in tokens) == text
    assert all(text.startswith(shown, start) and shown for start, _, shown in tokens)
    assert Error not in {token for _, token, _ in tokens}


@pytest.mark.parametrize(
    "text", ["", "\n", "   ", "x = (1,\n\n", "a ^ b", "\ufeffdim N", '"open', "x = 1\r\n"]
)
def test_any_text_has_tokens(text: str) -> None:
    assert "".join(shown for _, _, shown in ModelLexer().get_tokens_unprocessed(text)) == text


def test_functions_of_the_language_stand_out() -> None:
    tokens = {
        shown: token for _, token, shown in ModelLexer().get_tokens_unprocessed("y = f(tanh(x)) + input")
    }
    assert (tokens["f"], tokens["tanh"], tokens["input"]) == (Name.Function, Name.Builtin, Name)


def test_a_model_becomes_html() -> None:
    html = highlight("loss L = sum(x**2)\n", ModelLexer(), HtmlFormatter())
    assert '<span class="kd">loss</span>' in html
