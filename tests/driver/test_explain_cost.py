"""`--explain-cost`: formulas, predictions and decisions as a terminal shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from autodiffc.cli import main
from autodiffc.explain_cost import quantity

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = [
    "classifier",
    "char_lstm",
    "trig",
    "adbench/ba",
    "digits_cnn",
    "few_shot",
    "hidden_markov",
    "adaptive",
]


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments, "--explain-cost"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2"])
@pytest.mark.parametrize("name", NAMES)
def test_fits_a_terminal(name: str, level: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = report(capsys, str(EXAMPLES / f"{name}.dsl"), level)
    assert max(map(len, text.splitlines())) <= 100
    assert "FLOPs of forward" in text
    assert f"at {level}, float64" in text


def test_what_it_says_of_a_product(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "product.dsl"
    model.write_text("dim N, D\ninput x: real[N, D]\nparam w: real[D]\nloss L = sum(exp(x @ w))\n")
    text = report(capsys, str(model), "--sizes", "N=1000,D=50")
    assert re.search(r"^FLOPs of value_and_grad = 4\*D\*N \+ 2\*N", text, re.M)
    assert re.search(r"^bytes kept +=( 8\*N)$", text, re.M)
    assert re.search(r"^value_and_grad +202 k", text, re.M)
    assert re.search(r"^ +4  100% .* loss L = sum\(exp\(x @ w\)\)$", text, re.M)
    assert "N = 1000, D = 50; times" in text
    single = report(capsys, str(model), "--sizes", "N=1000,D=50", "--dtype", "float32")
    assert re.search(r"^bytes kept +=( 4\*N)$", single, re.M)


def test_assumed_sizes_are_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    text = report(capsys, str(EXAMPLES / "classifier.dsl"), "--sizes", "N=64")
    assert "N = 64, D = 128, H = 128 (D, H assumed: see --sizes)" in text


def test_times_are_of_one_cpu_or_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    model = str(EXAMPLES / "activations.dsl")
    with_it, without = (report(capsys, model, "--cpu", cpu) for cpu in ("AVX512", "avx2"))
    assert "times as on a CPU with AVX512\n" in with_it
    assert "times as on a CPU without AVX512\n" in without
    assert with_it.partition("FLOPs of")[2].partition("lines")[0] in without  # formulas are the same
    assert "like this one" in report(capsys, model)


def test_the_module_is_written_where_a_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report(capsys, str(EXAMPLES / "trig.dsl"), "-o", str(tmp_path / "trig.py"))
    assert "def value_and_grad" in (tmp_path / "trig.py").read_text()


@pytest.mark.parametrize("sizes", ["Q=3", "K=3", "N=0"])
def test_sizes_that_make_no_sense(sizes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(EXAMPLES / "classifier.dsl"), "--explain-cost", "--sizes", sizes]) == 2
    assert "--sizes: " in capsys.readouterr().err


def test_quantities() -> None:
    shown = [quantity(v, "B") for v in (0, 7, 999, 1234, 999_600, 12_345_678)]
    assert shown == ["0 B", "7 B", "999 B", "1.23 kB", "1 MB", "12.3 MB"]
    assert [quantity(v, "s") for v in (1.5e-8, 2.34e-5, 0.01, 12)] == ["15 ns", "23.4 µs", "10 ms", "12 s"]
