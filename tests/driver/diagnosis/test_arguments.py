"""Data that don't fit are refused in words; what is missing of params starts as the module starts them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.diagnosis import BadSizes, WrongData, read
from ill_models import XY, layer


def refused(data: Any, tmp_path: Path, text: str = "", **options: Any) -> str:
    (tmp_path / "model.dsl").write_text(text or layer(), "utf-8")
    with pytest.raises((WrongData, BadSizes)) as caught:
        autodiffc.diagnose(tmp_path / "model.dsl", data, **options)
    return str(caught.value)


def test_what_is_missing(tmp_path: Path) -> None:
    assert refused({"x": XY["x"]}, tmp_path) == "the data lack y; they hold x"
    assert refused({}, tmp_path) == "the data lack x and y; they hold nothing"
    assert "did you mean `Y`?" in refused({"x": XY["x"], "Y": XY["y"]}, tmp_path)


def test_sizes_that_nothing_gives(tmp_path: Path) -> None:
    message = refused(XY, tmp_path)
    assert message == (
        "the data have no W, b and v; to start params, the size of H is needed: give --sizes H=…, or the "
        "params with the data"
    )
    assert "no dim Q" in refused(XY, tmp_path, sizes={"Q": 3})


def test_shapes_and_kinds_are_those_of_the_module(tmp_path: Path) -> None:
    wrong = {"x": XY["x"], "y": XY["y"][:7]}
    assert "N is 100 in x and 7 in y" in refused(wrong, tmp_path, sizes={"H": 4})
    assert "x: expected" in refused({**XY, "x": XY["x"].astype(str)}, tmp_path, sizes={"H": 4})
    labels = "dim N\ninput k: int[N] in range(3)\nparam w: real[3]\nloss L = sum(w[k]**2)\n"
    assert "k: expected" in refused({"k": [0, 5]}, tmp_path, labels)


def test_params_of_the_data_give_the_sizes(tmp_path: Path) -> None:
    (tmp_path / "model.dsl").write_text(layer(), "utf-8")
    W = np.random.default_rng(5).normal(size=(10, 7))
    diagnosis = autodiffc.diagnose(tmp_path / "model.dsl", {**XY, "W": W, "more": 3})
    seen = diagnosis.seen
    assert dict(seen.sizes) == {"N": 100, "D": 10, "H": 7}
    np.testing.assert_array_equal(seen.params[0].value, W)
    assert seen.notes == (
        "b and v as init_params(0) starts them",
        "left aside, as no arguments of the model: more",
    )


def test_a_keyword_as_a_name(tmp_path: Path) -> None:
    text = "param lambda: real = 1.0\ninput x: real\nloss L = (lambda * x)**2\n"
    (tmp_path / "model.dsl").write_text(text, "utf-8")
    for name in ("lambda", "lambda_"):
        seen = autodiffc.diagnose(tmp_path / "model.dsl", {"x": 2.0, name: 3.0}).seen
        assert seen.value == 36.0
        assert seen.notes == ()


def test_constants_and_dims_of_sums(tmp_path: Path) -> None:
    text = "dim N, K = 3\ninput x: real[N + 1]\nparam w: real[K] = ones()\nloss L = sum(x) * sum(w)\n"
    (tmp_path / "model.dsl").write_text(text, "utf-8")
    diagnosis = autodiffc.diagnose(tmp_path / "model.dsl", {"x": np.ones(5)}, dims={"K": 2})
    assert diagnosis.seen.value == 10.0
    assert dict(diagnosis.seen.sizes) == {"N": 4}


def test_a_file_of_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.ones(3), k=np.arange(2))
    assert sorted(read(tmp_path / "data.npz")) == ["k", "x"]
    np.save(tmp_path / "single.npy", np.ones(3))
    np.savez(tmp_path / "objects.npz", x=np.array([{}, None]))
    (tmp_path / "text.npz").write_text("x = 1", "utf-8")
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "data.npz").read_bytes()[:90])
    for name, words in (
        ("single.npy", "a single array"), ("objects.npz", "no .npz file"), ("text.npz", "no .npz file"),
        ("empty.npz", "no .npz file"), ("cut.npz", "no .npz file"),
    ):  # fmt: skip
        with pytest.raises(WrongData, match=words):
            read(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.npz")


def test_what_fails_at_the_data_is_told_with_its_line(tmp_path: Path) -> None:
    text = "param A: real[2, 2]\ninput b: real[2]\nloss L = sum(dropout(solve(A, b), 0.5))\n"
    (tmp_path / "model.dsl").write_text(text, "utf-8")
    with pytest.raises(WrongData, match=re.escape("line 3: `solve(A, b)`: Singular matrix")):
        autodiffc.diagnose(tmp_path / "model.dsl", {"A": np.ones((2, 2)), "b": np.ones(2)})
