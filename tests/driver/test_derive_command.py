"""`autodiffc derive`: what it prints, and what it says to wrong requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from autodiffc.cli import main

MODEL = """dim N
dim K = 3
input x: real[N]
input y: int[N] in range(K)
param weight: real[N]
const rate = 0.1
loss L = rate * sum((weight * x)**2)
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.dsl").write_text(MODEL, "utf-8")
    return "model.dsl"


def test_the_models_own_choice(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", model]) == 0
    assert "∂L/∂weight" in (out := capsys.readouterr().out)
    assert "∂L/∂x" not in out
    assert "rate" in out


def test_by_other_arguments(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", model, "--wrt", "x, weight"]) == 0
    out = capsys.readouterr().out
    assert "with respect to x, weight" in out
    assert "∂L/∂x" in out


@pytest.mark.parametrize(("form", "mark"), [("latex", r"\begin{align*}"), ("mathml", "<math")])
def test_formats(model: str, capsys: pytest.CaptureFixture[str], form: str, mark: str) -> None:
    assert main(["derive", model, "--format", form]) == 0
    assert mark in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrt", "message"),
    [
        ("wieght", "did you mean `weight`?"),
        ("zzz", "it has x, weight"),
        ("y", "y is int, and only a real has a derivative"),
    ],
)
def test_wrong_names(model: str, capsys: pytest.CaptureFixture[str], wrt: str, message: str) -> None:
    assert main(["derive", model, "--wrt", wrt]) == 2
    assert message in capsys.readouterr().err


def test_nothing_to_differentiate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plain.dsl"
    path.write_text("input x: real\noutput y = x + 1\n", "utf-8")
    assert main(["derive", str(path)]) == 2
    assert "nothing to differentiate" in capsys.readouterr().err


def test_errors_of_the_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.dsl"
    path.write_text("param x: real\nloss L = z\n", "utf-8")
    assert main(["derive", str(path)]) == 1
    assert "E02" in capsys.readouterr().err


def test_second_derivatives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "valley.dsl"
    path.write_text("param x, y: real\nloss f = (1 - x)**2 + 100 * (y - x**2)**2\n", "utf-8")
    assert main(["derive", str(path), "--order", "2"]) == 0
    out = capsys.readouterr().out
    assert "∂f/∂y    = 200 (y − x²)" in out
    assert "∂²f/∂x²  = 1200 x² − 400 y + 2" in out
    assert "∂²f/∂x∂y = −400 x" in out
    assert "∂²f/∂y²  = 200" in out


def test_second_derivatives_of_arrays_are_told_where_to_find(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["derive", model, "--order", "2"]) == 2
    assert "--emit hessian,hvp" in capsys.readouterr().err


def test_numerics_do_not_change_the_formulas(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", model]) == 0
    plain = capsys.readouterr().out
    assert main(["derive", model, "--numerics", "precise"]) == 0
    assert capsys.readouterr().out == plain
