"""The command, as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from autodiffc.cli import main

MODEL = "dim N\ndim K = 3\ninput x: real[N, K]\nparam w: real[K]\nloss L = sum((x @ w)**2)\n"
BROKEN = "input x: real\noutput f = sigmiod(x)\ng = x +\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.dsl").write_text(MODEL, "utf-8")
    (tmp_path / "broken.dsl").write_text(BROKEN, "utf-8")
    return tmp_path


def test_compiles_into_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model.dsl", "-o", "model.py"]) == 0
    text = (folder / "model.py").read_text("utf-8")
    assert "def value_and_grad(x: ndarray, w: ndarray)" in text
    assert capsys.readouterr().out == ""
    assert sorted(p.name for p in folder.iterdir()) == ["broken.dsl", "model.dsl", "model.py"]


def test_compiles_to_standard_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model.dsl", "-O2", "-D", "K=5"]) == 0
    out = capsys.readouterr().out
    compile(out, "model.py", "exec")
    assert "5" in out


def test_the_same_model_gives_the_same_bytes(folder: Path) -> None:
    main(["model.dsl", "-o", "a.py"])
    command = [sys.executable, "-m", "autodiffc", "model.dsl", "-o", "b.py"]
    subprocess.run(command, cwd=folder, check=True, env=dict(os.environ, PYTHONHASHSEED="77"))
    assert (folder / "a.py").read_bytes() == (folder / "b.py").read_bytes()


def test_errors_in_the_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["broken.dsl", "-o", "out.py"]) == 1
    captured = capsys.readouterr()
    assert "broken.dsl:2:12: error[E0202]: no function `sigmiod`" in captured.err
    assert "did you mean `sigmoid`?" in captured.err
    assert "broken.dsl:3:" in captured.err
    assert "2 errors in broken.dsl" in captured.err
    assert captured.out == ""
    assert not (folder / "out.py").exists()


def test_a_failed_compilation_leaves_the_old_module(folder: Path) -> None:
    (folder / "out.py").write_text("old", "utf-8")
    assert main(["broken.dsl", "-o", "out.py"]) == 1
    assert (folder / "out.py").read_text("utf-8") == "old"


def test_errors_as_json_and_concise(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["broken.dsl", "--errors", "json"]) == 1
    rows = json.loads(capsys.readouterr().err)
    assert (rows[0]["code"], rows[0]["line"]) == ("E0202", 2)
    assert main(["broken.dsl", "--errors", "concise"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "broken.dsl:2:12: error[E0202]: no function `sigmiod`"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.dsl"], "missing.dsl: no such file"),
        (["."], "is a directory"),
        (["model.dsl", "-o", "model.dsl"], "would overwrite the model"),
        (["model.dsl", "-o", "nowhere/out.py"], "no such file"),
        (["model.dsl", "-o", "."], "is a directory"),
        (["model.dsl", "--dump=nonsense"], "a stage is ast, ir, schedule"),
        (["model.dsl", "--dump=ir:nonsense"], "a stage is ast, ir, schedule"),
        (["vector.dsl", "--emit", "jvp,hessian"], "--emit hessian: y is not a scalar"),
        (["clipped.dsl", "--emit", "jvp"], "--emit jvp: `f` has no derivative: its adjoint is not linear"),
        (["clipped.dsl", "--emit", "jacobian"], "--emit jacobian: `f` has no derivative"),
    ],
)
def test_wrong_usage(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (folder / "vector.dsl").write_text("dim N\nparam x: real[N]\noutput y = x**2\ngrad y wrt x\n")
    own = "def f(v):\n    return v\nadjoint f(v, d_out):\n    return clip(d_out, -1, 1)\n"
    clipped = f"dim N\nparam x: real[N]\n{own}output y = f(x)\ngrad y wrt x\n"
    (folder / "clipped.dsl").write_text(clipped)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["model.dsl", "-O7"],
        ["model.dsl", "-D", "K"],
        ["model.dsl", "-D", "K=x"],
        ["model.dsl", "--wrong"],
        ["model.dsl", "--emit", "jvp,hessians"],
    ],
)
def test_wrong_words(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: autodiffc" in capsys.readouterr().err


def test_an_unknown_dim(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model.dsl", "-D", "Q=5"]) == 1
    assert "error[E0311]: -D Q: the model has no such dim" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["ast", "ir", "ir:stabilise", "ir:autodiff", "ir:cse", "schedule", "dot"])
def test_dumps(folder: Path, capsys: pytest.CaptureFixture[str], stage: str) -> None:
    assert main(["model.dsl", f"--dump={stage}"]) == 0
    out = capsys.readouterr().out
    assert "w" in out
    assert out.endswith("\n")


def test_every_pass_can_be_seen_timed_and_verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model.dsl", "-o", "m.py", "--dump-dir", "passes", "--timings", "--verify"]) == 0
    assert " ms" in capsys.readouterr().err
    assert any(p.name.endswith("-cse.ir") for p in (folder / "passes").iterdir())


def test_fmt(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "ugly.dsl"
    path.write_text("input   x:real   # data\noutput f=x*  x\n", "utf-8")
    assert main(["fmt", "--check", "ugly.dsl"]) == 1
    assert main(["fmt", "ugly.dsl"]) == 0
    assert path.read_text("utf-8") == "input x: real  # data\noutput f = x * x\n"
    assert main(["fmt", "--check", "ugly.dsl"]) == 0
    capsys.readouterr()
    assert main(["fmt", "--stdout", "ugly.dsl"]) == 0
    assert capsys.readouterr().out == path.read_text("utf-8")
    assert main(["fmt", "broken.dsl"]) == 1


def test_a_closed_pipe_is_no_error(folder: Path) -> None:
    command = f"{sys.executable} -m autodiffc model.dsl | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_output_follows_links_and_keeps_permissions(folder: Path) -> None:
    real = folder / "real.py"
    real.write_text("old", "utf-8")
    real.chmod(0o640)
    (folder / "link.py").symlink_to(real)
    assert main(["model.dsl", "-o", "link.py"]) == 0
    assert (folder / "link.py").is_symlink()
    assert "value_and_grad" in real.read_text("utf-8")
    assert real.stat().st_mode & 0o777 == 0o640


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for flag, word in (("--version", "autodiffc 0."), ("--help", "usage: autodiffc")):
        with pytest.raises(SystemExit) as caught:
            main([flag])
        assert caught.value.code == 0
        assert word in capsys.readouterr().out


def test_emit_may_be_said_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model.dsl", "--emit", "hvp,jvp"]) == 0
    expected = capsys.readouterr().out
    assert main(["model.dsl", "--emit", "hvp", "--emit", "jvp"]) == 0
    assert capsys.readouterr().out == expected
