"""`from "file.dsl" import …`: what it finds, what it may read, and how errors in other files are shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import autodiffc
import numpy as np
import pytest
from autodiffc.cli import main
from autodiffc.grammar.diagnostics import ModelError
from autodiffc.grammar.reading import LARGEST

LAYERS = """from "deep/half.dsl" import halve, HALF
from nn import linear
const scale = 2.0
dim H = 3
def dense(x, W, b):
    return scale * halve(tanh(linear(x, W, b))) / H
def ste(x):
    return round(x) * HALF
adjoint ste(x, d):
    return d * HALF
"""
HALF = "const HALF = 0.5\ndef halve(x):\n    return HALF * x\n"
MODEL = """from "lib/layers.dsl" import dense, ste, scale
dim N, D, H
input x: real[N, D]
param W: real[D, H]
param b: real[H]
const HALF = 100.0
loss L = sum(dense(x, W, b)) + scale * sum(ste(b))
"""


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / "model.dsl"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return written(tmp_path, {"model.dsl": MODEL, "lib/layers.dsl": LAYERS, "lib/deep/half.dsl": HALF})


def errors(path: Path) -> list[str]:
    with pytest.raises(ModelError) as caught:
        autodiffc.load(path)
    return [
        f"{d.span.source.file}:{d.span.line} {d.code} {d.message} {d.label}" for d in caught.value.diagnostics
    ]


def test_functions_see_their_own_file(model: Path) -> None:
    m = autodiffc.load(model)
    x, W, b = np.ones((1, 2)), np.array([[0.5, 1.0], [0.25, -1.0]]), np.array([0.7, 1.2])
    value, grads = m.value_and_grad(x, W, b)
    h = np.tanh(x @ W + b)
    assert value == pytest.approx(h.sum() / 3 + 2 * 0.5 * np.round(b).sum(), rel=1e-14)
    np.testing.assert_allclose(grads.b, (1 - h[0] ** 2) / 3 + 1.0, rtol=1e-14)


def test_what_is_imported_is_listed_with_its_hash(model: Path) -> None:
    spec = autodiffc.load(model).SPEC
    assert spec["imports"] == {
        "lib/deep/half.dsl": sha256(HALF.encode()).hexdigest(),
        "lib/layers.dsl": sha256(LAYERS.encode()).hexdigest(),
    }


def test_the_same_bytes_wherever_the_model_lies(model: Path, tmp_path: Path) -> None:
    text = autodiffc.compile(MODEL, folder=tmp_path)
    other = tmp_path / "elsewhere"
    written(other, {"model.dsl": MODEL, "lib/layers.dsl": LAYERS, "lib/deep/half.dsl": HALF})
    for path in (model, other / "model.dsl"):
        out = path.parent / "out.py"
        assert main([str(path), "-o", str(out)]) == 0
        assert out.read_text("utf-8") == text
    assert str(tmp_path) not in text


def test_text_that_is_no_file_imports_nothing() -> None:
    with pytest.raises(ModelError, match="text that is no file imports no files"):
        autodiffc.compile(MODEL)


def test_the_command_works_with_imports(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(model)]) == 0
    assert "adjoint ste" in capsys.readouterr().out
    assert main([str(model), "--dump=ast"]) == 0
    assert "FileImport" in capsys.readouterr().out
    assert main(["fmt", "--check", str(model)]) == 0
    imported = model.parent / "lib" / "layers.dsl"
    assert main([str(model), "-o", str(imported)]) == 2
    assert "would overwrite a file that the model imports" in capsys.readouterr().err
    assert imported.read_text("utf-8") == LAYERS
    assert main([str(imported)]) == 1
    assert "a file of functions can only be imported" in capsys.readouterr().err


def test_notes_name_their_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = "def f(x):\n    return x @ x\n"
    path = written(
        tmp_path, {"model.dsl": 'from "f.dsl" import f\ninput x: real\noutput y = f(x)\n', "f.dsl": bad}
    )
    assert main([str(path), "--errors=json"]) == 1
    (row,) = json.loads(capsys.readouterr().err)
    assert (Path(row["file"]).name, row["line"]) == ("model.dsl", 3)
    assert [(Path(n["file"]).name, n["line"]) for n in row["notes"]] == [("f.dsl", 2)]


def test_a_change_of_an_imported_file_changes_the_module(model: Path) -> None:
    before = autodiffc.load(model).SPEC["imports"]
    written(model.parent, {"lib/deep/half.dsl": HALF + "# a word more\n"})
    assert autodiffc.load(model).SPEC["imports"] != before


# --- what may be read ------------------------------------------------------------------------------

SECRET = "root:x:0:0\n"
FILES = {"model.dsl": "", "ok.dsl": HALF, "secret.txt": SECRET, "huge.dsl": b"#" * (LARGEST + 1)}


def model_that_imports(folder: Path, path: str) -> Path:
    text = f'from "{path}" import halve\ninput x: real\noutput y = halve(x)\n'
    return written(folder, {**FILES, "model.dsl": text})


def link(folder: Path, name: str, target: str) -> None:
    os.symlink(target, folder / name)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/dev/zero", "an absolute path"),
        ("/dev/zero.dsl", "an absolute path"),
        ("secret.txt", "a model file ends in `.dsl`"),
        ("secret.txt\\0.dsl", "a path of names and `/`"),
        ("zero.dsl", "it is no regular file"),
        ("leak.dsl", "it is no regular file"),
        ("pipe.dsl", "it is no regular file"),
        ("folder.dsl", "it is no regular file"),
        ("dangling.dsl", "no such file"),
        ("loop.dsl", "too many levels"),
        ("huge.dsl", "a file of more than"),
        ("../../../../../../../../dev/zero", "a model file ends in `.dsl`"),
        ("a" * 5000 + ".dsl", "there is no such file"),
        ("ok.dsl/ok.dsl", "cannot be imported"),
    ],
)
def test_only_model_files_are_read(tmp_path: Path, path: str, told: str) -> None:
    model = model_that_imports(tmp_path, path)
    link(tmp_path, "zero.dsl", "/dev/zero")
    link(tmp_path, "leak.dsl", "secret.txt")
    link(tmp_path, "dangling.dsl", "nothing.dsl")
    link(tmp_path, "loop.dsl", "loop.dsl")
    os.mkfifo(tmp_path / "pipe.dsl")
    (tmp_path / "folder.dsl").mkdir()
    started = time.monotonic()
    (finding,) = errors(model)
    assert time.monotonic() - started < 2.0
    assert "E0308" in finding
    assert told.lower() in finding.lower()
    assert "root:x" not in finding


def test_a_link_to_a_model_file_is_followed(tmp_path: Path) -> None:
    model = model_that_imports(tmp_path, "link.dsl")
    link(tmp_path, "link.dsl", "ok.dsl")
    assert autodiffc.load(model).predict(3.0).y == 1.5


def test_a_file_in_the_folder_above(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    written(tmp_path, {"ok.dsl": HALF})
    assert autodiffc.load(model_that_imports(folder, "../ok.dsl")).predict(3.0).y == 1.5


def test_a_chain_of_files_ends(tmp_path: Path) -> None:
    chain = {f"f{k}.dsl": f'from "f{k + 1}.dsl" import g\ndef f(x):\n    return g(x)\n' for k in range(70)}
    path = written(
        tmp_path, {"model.dsl": 'from "f0.dsl" import f\ninput x: real\noutput y = f(x)\n', **chain}
    )
    assert [line for line in errors(path) if "too many files" in line]


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """Doubling at each level, 2**30 readings otherwise."""
    files = {
        f"f{k}.dsl": f'from "f{k + 1}.dsl" import f{k + 1}\nfrom "./f{k + 1}.dsl" import g{k + 1}\n'
        f"def f{k}(x):\n    return f{k + 1}(x)\ndef g{k}(x):\n    return x\n"
        for k in range(30)
    }
    files["f30.dsl"] = "def f30(x):\n    return 2 * x\ndef g30(x):\n    return x\n"
    model = 'from "f0.dsl" import f0\nfrom "./f0.dsl" import g0\ninput x: real\noutput y = f0(x) + g0(x)\n'
    module = autodiffc.load(written(tmp_path, {"model.dsl": model, **files}))
    assert module.predict(2.0).y == 6.0
    assert len(module.SPEC["imports"]) == 31


def test_cycles_show_the_way_round(tmp_path: Path) -> None:
    files = {
        "model.dsl": 'from "a.dsl" import f\ninput x: real\noutput y = f(x)\n',
        "a.dsl": 'from "b.dsl" import f\n',
        "b.dsl": 'from "sub/c.dsl" import f\n',
        "sub/c.dsl": 'from "../a.dsl" import f\n',
    }
    assert errors(written(tmp_path, files)) == [
        "c.dsl:1 E0308 files that import each other a.dsl → b.dsl → c.dsl → a.dsl"
    ]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = written(tmp_path, {"model.dsl": 'from "b.dsl" import f\noutput y = f(1)\n', "b.dsl": b"def f\xff"})
    assert errors(path) == ["b.dsl:1 E0108 the file is not UTF-8 text byte 0xFF is not part of any character"]


def test_any_bytes_as_an_imported_file(tmp_path: Path) -> None:
    """Whatever stands in an imported file, it is diagnostics or a module."""
    rng = np.random.default_rng(0)
    pieces = ["def f(x):\n", "    return x\n", "adjoint f(x, d):\n", "    return d\n", 'from "b.dsl" import f\n',
              'from "model.dsl" import y\n', "const c = f(2)\n", "dim N\n", "input w: real[N]\n", "\x00", "\t", "(",
              "assert f(1) > 0\n", "loss L = f(1)\n", "for t in range(N):\n"]  # fmt: skip
    for _ in range(150):
        text = "".join(rng.choice(pieces, size=rng.integers(1, 9)))
        path = written(
            tmp_path, {"model.dsl": 'from "b.dsl" import f\ninput x: real\noutput y = f(x)\n', "b.dsl": text}
        )
        try:
            assert autodiffc.load(path).predict(3.0).y == 3.0
        except ModelError as error:
            assert error.diagnostics  # noqa: PT017


def test_importing_runs_nothing(tmp_path: Path) -> None:
    text = "__import__('os').system('touch gone')\ndef halve(x):\n    return x\n"
    path = written(tmp_path, {"model.dsl": 'from "b.dsl" import halve\noutput y = halve(1)\n', "b.dsl": text})
    command = [sys.executable, "-m", "autodiffc", str(path)]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1
    assert not (tmp_path / "gone").exists()
