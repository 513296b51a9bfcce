"""The parser's tables are Lark's; the copy that is read in their stead is up to date."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from autodiffc.grammar import tables
from autodiffc.grammar.lark_tables import made_by_lark
from autodiffc.grammar.parser import parse
from autodiffc.grammar.source import Source
from autodiffc.grammar.tables import KEPT, Tables


def test_the_tables_that_are_kept_are_those_of_the_grammar(request: pytest.FixtureRequest) -> None:
    made = made_by_lark()
    if request.config.getoption("--update"):
        KEPT.write_text(made.text(), "utf-8")
    assert KEPT.read_text("utf-8") == made.text()


def test_the_text_of_tables_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_by_lark()
    (tmp_path / "model.json").write_text(made.text(), "utf-8")
    monkeypatch.setattr(tables, "KEPT", tmp_path / "model.json")
    assert Tables.read.__wrapped__() == made  # type: ignore[attr-defined]


@pytest.mark.parametrize("kept", ["outdated", "missing"])
def test_tables_of_another_grammar_are_not_used(
    kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kept == "outdated":
        other = replace(Tables.read(), digest="of another grammar", states=())
        (tmp_path / "model.json").write_text(other.text(), "utf-8")
    monkeypatch.setattr(tables, "KEPT", tmp_path / "model.json")
    assert Tables.read.__wrapped__() == made_by_lark()  # type: ignore[attr-defined]


def test_a_long_file_of_statements_and_a_long_sum() -> None:
    lines = "".join(f"a{i} = x * {i}\n" for i in range(3000))
    total = " + ".join(f"a{i}" for i in range(3000))
    model, findings = parse(Source("m", f"param x: real\n{lines}loss L = {total}\n"))
    assert (len(model.statements), findings) == (3002, ())
