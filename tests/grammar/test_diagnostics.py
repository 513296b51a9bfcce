"""What a broken model is told: every `bad/*.dsl` against the `.stderr` beside it, and the table of hints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from autodiffc.compiler.frontend.model import check
from autodiffc.grammar.diagnostics import CODES, Diagnostic, ModelError, render_all
from autodiffc.grammar.hints import ROWS, Row
from autodiffc.grammar.parser import parse
from autodiffc.grammar.reading import decode, read_source
from autodiffc.grammar.source import Source

TESTS = Path(__file__).parents[1]
BAD_MODELS = sorted(TESTS.glob("**/bad/*.dsl"))


def findings(text: str) -> tuple[Diagnostic, ...]:
    return parse(Source("model.dsl", text))[1]


def messages(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        check(*parse(read_source(path, path.name)))
    return render_all(caught.value.diagnostics) + "\n"


@pytest.mark.parametrize("path", BAD_MODELS, ids=lambda path: str(path.relative_to(TESTS)))
def test_bad_model(path: Path, request: pytest.FixtureRequest) -> None:
    pinned = path.with_suffix(".stderr")
    shown = messages(path)
    if request.config.getoption("--update"):
        pinned.write_text(shown, "utf-8")
    assert shown == pinned.read_text("utf-8")
    code = re.match(r"E\d{4}", path.name)
    assert code is None or f"error[{code.group()}]" in shown


def test_every_pinned_output_has_its_model() -> None:
    assert {path.with_suffix(".dsl") for path in TESTS.glob("**/bad/*.stderr")} == set(BAD_MODELS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.example)
def test_hint_is_reached_by_its_example(row: Row) -> None:
    (finding,) = findings(row.example)
    fixed_words = [re.escape(part) for part in re.split(r"\{\w+\}", row.message)]
    assert re.fullmatch(".+".join(fixed_words), finding.message)
    assert bool(finding.help) == bool(row.help)
    assert "{" not in finding.message + finding.help


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("x = ", (1, 4), "expected an expression, found the end of the line"),
        ("x =   # note", (1, 4), "expected an expression, found the end of the line"),
        ("x = f(a b)", (1, 9), "expected an operator, `,` or `)`, found `b`"),
        ("x = (1,\n  2 3)", (2, 5), "expected an operator, `,` or `)`, found `3`"),
        ("x = a if b", (1, 11), "expected an operator or `else`, found the end of the line"),
        ("x = a[1 2]", (1, 9), "expected an operator, `:`, `,` or `]`, found `2`"),
        ("model", (1, 6), "expected the model's name, found the end of the line"),
        ("input x: 3", (1, 10), "expected a type (`real`, `int` or `bool`), found `3`"),
        ("grad f of x", (1, 8), "expected `wrt`, found `of`"),
        ("for t of range(3): x = t", (1, 7), "expected `in`, found `of`"),
        ("def f x: return x", (1, 7), "expected `(`, found `x`"),
        ("input x: real y", (1, 15), "expected a constraint or the end of the line, found `y`"),
    ],
)
def test_what_was_expected_is_said_in_words(text: str, place: tuple[int, int], message: str) -> None:
    (finding,) = findings(text)
    assert (finding.span.line, finding.span.column) == place
    assert finding.message == message


# --- recovery: each error once, and nothing after it ---------------------------------------------


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x = \ny = 1\nz = )\nw = 2\nv = @\n", [1, 3, 5]),
        ("for t in range(3)\n    h = 1\n    g = *\n    k = 2\nx = )\n", [1, 3, 5]),
        ("if x = 1:\n    y = 1\nelif z:\n    y = 2\nelse:\n    y = )\nw = (\n", [1, 6, 7]),
        ("if a:\n    y = 1\nelif b\n    y = 2\nelse:\n    y = 3\n", [3]),
        ("def f(x:\n    return x\ny = f(1\noutput z = y\n", [1, 3]),
        ("x = [1,\n     2 3,\n     4]\ny = )\n", [2, 4]),
        ("x = f(a,\n      b\ny = 2\nz = )\n", [1, 4]),
        ("x = f(a,\nb = 2\n", [1]),
        ("x = {1: 2,\n     3: 4}\ny = )\n", [1, 3]),
        ("x = 1 \\\n    + 2\ny = )\n", [1, 3]),
        ("x = 'abc\ny = )\n", [1, 2]),
        ("if a:\n    for t in range(3):\n    x = 1\ny = )\n", [3, 4]),
        ("if a:\n    x = 1\n      y = 2\n    z = )\nw = )\n", [3, 4, 5]),
        ("if a:\n    x = 1\n   y = 2\n    z = )\nw = )\n", [3, 4, 5]),
        ("if a:\nx = )\n", [2, 2]),
        ("if a:\n\0 \tx = 1\ny = 2\n", [2, 2]),
        ("x = 1e999 + 2e999 + ^\n", [1, 1, 1]),
    ],
)
def test_each_error_is_reported_and_no_other(text: str, lines: list[int]) -> None:
    assert [finding.span.line for finding in findings(text)] == lines


def test_the_statements_around_an_error_are_kept() -> None:
    model, found = parse(Source("m", "a = 1\nb = )\nif a:\n    c = (\n    d = 1\ne = 2\n"))
    assert [type(statement).__name__ for statement in model.statements] == ["Assign", "If", "Assign"]
    assert len(found) == 2


# --- hostile input ---------------------------------------------------------------------------------

MB = 1_000_000


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("(" * MB, "E0101"),
        ("x = " + "(" * MB, "E0106"),
        ("x = (\n" * (MB // 6), "E0107"),
        ("\0" * MB, "E0103"),
        ("\ud800" * MB, "E0103"),
        ("x = '" + "a" * MB, "E0107"),
        ('x = "\n' * (MB // 6), "E0107"),
        ("x = )\n" * (MB // 6), "E0101"),
        ("x = " + "9" * MB, "E0105"),
        ("x = 1 + 1\n" * MB, "E0212"),
        ("x = " + "+*" * (MB // 2), "E0101"),
        ("".join(" " * i + "if x:\n" for i in range(1400)), "E0106"),
        ("x = [\n" + "  1,\n" * 20_000 + "  2 3\n" + "  1,\n" * 20_000, "E0101"),
    ],
    ids=lambda value: None if len(value) > 10 else value,
)
def test_hostile_text_is_refused_soon(text: str, code: str) -> None:
    """A reader that takes quadratic time for a megabyte would not come to an end here."""
    found = findings(text)
    assert found[0].code == code
    assert len(found) <= 100
    assert render_all(found)


@pytest.mark.parametrize("size", [0, 1, 7, 50])
def test_no_prefix_of_a_model_is_a_fault_of_ours(size: int) -> None:
    """Every beginning of a model, with its end cut off or overwritten, gives findings and no exception."""
    text = "def f(a, b=2):\n    if a > b: return [a, b][0]\n    return sum(a[i] for i in range(3))\nloss L = f('x')\n"
    for end in range(len(text)):
        for finding in findings(text[:end] + "\n)]'\"\t:="[: size % 8] + text[end + size :]):
            assert finding.code in CODES
            assert 0 <= finding.span.start <= finding.span.end


def test_text_that_is_not_utf8() -> None:
    with pytest.raises(ModelError) as caught:
        decode("model.dsl", "input ä: real\noutput f = ß".encode("latin-1"))
    (finding,) = caught.value.diagnostics
    assert (finding.code, str(finding.span)) == ("E0108", "model.dsl:1:7")
