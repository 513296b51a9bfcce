"""`autodiffc diagnose`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from autodiffc.cli import main
from ill_models import XY, layer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "well.dsl").write_text(layer(), "utf-8")
    (tmp_path / "ill.dsl").write_text(layer(act="relu", bias="full(-9.0)"), "utf-8")
    np.savez(tmp_path / "data.npz", **XY)
    return tmp_path


def test_a_healthy_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "well.dsl", "--data", "data.npz", "--sizes", "H=8"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("well: L = ")
    assert "nothing found that is wrong" in out


def test_an_ill_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "ill.dsl", "--data", "data.npz", "--sizes", "H=8", "--seed", "3"]) == 1
    out = capsys.readouterr().out
    assert "line 8: all 8 units of h never fire over 100 examples" in " ".join(out.split())
    assert "init_params(3)" in out


def test_a_page_and_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("-o", "--html"):
        command = [
            "diagnose",
            "ill.dsl",
            "--data",
            "data.npz",
            "--sizes",
            "H=8",
            "--json",
            option,
            "page.html",
        ]
        assert main(command) == 1
        found = json.loads(capsys.readouterr().out)
        assert found["findings"][0]["kind"] == "dead units"
        assert "never fire" in (folder / "page.html").read_text("utf-8")
        (folder / "page.html").unlink()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["well.dsl", "--data", "none.npz"], "none.npz: no such file"),
        (["none.dsl", "--data", "data.npz"], "none.dsl: no such file"),
        (["well.dsl", "--data", "well.dsl"], "well.dsl is no .npz file"),
        (["well.dsl", "--data", "data.npz"], "the size of H is needed: give --sizes H=…"),
        (["well.dsl", "--data", "data.npz", "--sizes", "Q=1"], "--sizes: the model has no dim Q"),
        (["well.dsl", "--data", "data.npz", "--sizes", "N=3,H=2"], "--sizes: N is 100 in the data"),
        (["well.dsl", "--data", "data.npz", "--sizes", "H=2", "--seed", "-1"], "--seed: a seed is not negative"),
        (["well.dsl", "--data", "data.npz", "--sizes", "H=2", "-o", "no/page.html"], "no/page.html: no such file"),
        (["well.dsl", "--data", "data.npz", "--sizes", "H=2", "-o", "well.dsl"], "would overwrite the model"),
        (["well.dsl", "--data", "data.npz", "--sizes", "H=2", "-o", "data.npz"], "would overwrite the data"),
        (["well.dsl", "--data", "data.npz", "--sizes", f"H={10**15}"], "don't fit in memory"),
        (["well.dsl", "--data", "data.npz", "--sizes", f"H={10**30}"], "--sizes: "),
    ],
)  # fmt: skip
def test_wrong_usage(
    command: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diagnose", *command]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1


def test_too_many_steps(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "input n: int\nparam w: real = 0.9\nh = 1.0\nfor t in range(n):\n    h = sin(w * h)\nloss L = h\n"
    (folder / "long.dsl").write_text(text, "utf-8")
    np.savez(folder / "long.npz", n=10**6)
    assert main(["diagnose", "long.dsl", "--data", "long.npz"]) == 2
    assert "more than 200,000 operations at these sizes; give it shorter data" in capsys.readouterr().err


def test_data_must_be_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["diagnose", "well.dsl"])
    assert caught.value.code == 2
    assert "--data" in capsys.readouterr().err


def test_an_error_in_the_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.dsl").write_text("loss L = sigmiod(1)\n", "utf-8")
    assert main(["diagnose", "broken.dsl", "--data", "data.npz"]) == 1
    assert "error[E0202]" in capsys.readouterr().err
