"""`-W`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import autodiffc
import pytest
from autodiffc.cli import main
from autodiffc.parsers import with_lints

WARNED = "input x: real\nparam w: real\nh = log(w)\nloss L = log(1 + exp(w * x))\n"
SOUND = "input x: real\nparam w: real\nloss L = (w * x)**2\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warned.dsl").write_text(WARNED, "utf-8")
    (tmp_path / "sound.dsl").write_text(SOUND, "utf-8")
    (tmp_path / "wrong.dsl").write_text("output f = x\n", "utf-8")
    return tmp_path


def test_without_it_nothing_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warned.dsl", "-o", "m.py"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments", [["-W", "warned.dsl"], ["warned.dsl", "-W"], ["-Wusual", "warned.dsl"]])
def test_warnings_and_a_module(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main([*arguments, "-o", "m.py"]) == 0
    err = capsys.readouterr().err
    assert err.startswith("warned.dsl:3:1: warning[W0102]: `h` is not used\n  |\n3 | h = log(w)\n  | ^\n")
    assert err.endswith("\n\n1 warning in warned.dsl\n")
    assert (folder / "m.py").exists()


def test_a_sound_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-W", "all", "-W", "error", "sound.dsl", "-o", "m.py"]) == 0
    assert capsys.readouterr().err == ""


def test_warnings_as_errors_leave_no_module(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warned.dsl", "-W", "all,error", "-o", "m.py"]) == 1
    err = capsys.readouterr().err
    assert "error[W0102]" in err
    assert "note[W0304]: this is computed as softplus(w * x)" in err
    assert err.endswith("\n\n1 error, 1 note in warned.dsl\n")
    assert not (folder / "m.py").exists()


def test_notes_are_no_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warned.dsl", "-W", "rewritten", "-W", "error", "-o", "m.py"]) == 0
    assert capsys.readouterr().err.endswith("\n\n1 note in warned.dsl\n")


def test_other_forms(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warned.dsl", "-W", "--errors=concise", "-o", "m.py"]) == 0
    assert capsys.readouterr().err == "warned.dsl:3:1: warning[W0102]: `h` is not used\n"
    assert main(["warned.dsl", "-W", "--errors=json", "-o", "m.py"]) == 0
    (finding,) = json.loads(capsys.readouterr().err)
    assert (finding["code"], finding["severity"], finding["line"]) == ("W0102", "warning", 3)


def test_errors_go_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wrong.dsl", "-W"]) == 1
    err = capsys.readouterr().err
    assert "E0201" in err
    assert "W0" not in err


def test_an_unknown_lint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warned.dsl", "-W", "unused-vlaue", "-o", "m.py"]) == 2
    assert capsys.readouterr().err == "autodiffc: -W: no lint `unused-vlaue`; did you mean `unused-value`?\n"
    assert not (folder / "m.py").exists()


def test_check_warns_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "warned.dsl", "-W"]) == 0
    captured = capsys.readouterr()
    assert "W0102" in captured.err
    assert "agree" in captured.out
    assert main(["check", "-W", "error", "warned.dsl"]) == 1
    assert capsys.readouterr().out == ""


def test_a_file_is_no_lint(folder: Path) -> None:
    (folder / "model").write_text(SOUND, "utf-8")
    assert with_lints(["-W", "model"]) == ["-Wusual", "model"]
    assert with_lints(["model", "-W"]) == ["model", "-Wusual"]
    assert with_lints(["-W", "shadowed", "model"]) == ["-Wshadowed", "model"]


def test_in_python() -> None:
    (finding,) = autodiffc.lint(WARNED)
    assert (finding.code, finding.span.line, finding.severity) == ("W0102", 3, "warning")
    assert [f.severity for f in autodiffc.lint(WARNED, lints="all,error")] == ["error", "note"]
    with pytest.raises(ValueError, match="no lint"):
        autodiffc.lint(WARNED, lints="unsued")
    with pytest.raises(autodiffc.ModelError):
        autodiffc.lint("output f = x\n")
