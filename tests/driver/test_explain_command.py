"""`autodiffc explain` and `autodiffc graph`: what they write, and what they say to wrong requests."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, program_of
from autodiffc.cli import main
from autodiffc.grammar.source import Source
from autodiffc.report.given import given_random
from autodiffc.report.page import compiled, page

EXAMPLES = Path(__file__).parents[2] / "examples"
MODEL = "dim N\ndim K = 2\ninput x: real[N, K]\ninput y: int[N] in range(K)\nparam w: real[K] > 0\nparam b: real\nloss L = mean(cross_entropy(x * w + b, y))\n"
POINT: dict[str, Any] = {"x": [[1.0, 2.0], [0.5, -1]], "y": [0, 1], "w": [0.5, 1], "b": 3}
DROPOUT = "dim N\ninput x: real[N]\nparam w: real[N]\nloss L = sum(dropout(w * x, 0.5)**2)\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.dsl").write_text(MODEL, "utf-8")
    (tmp_path / "values.json").write_text(json.dumps(POINT), "utf-8")
    return tmp_path


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_page_stands_alone(folder: Path) -> None:
    assert main(["explain", "model.dsl", "-o", "report.html", "--at", "values.json"]) == 0
    text = (folder / "report.html").read_text("utf-8")
    assert "{{" not in text
    outside = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert not re.search(r"""(src|href)=["'](?!#)""", outside)
    assert "default-src 'none'" in text
    assert "The gradients shown are those of the emitted module" in text
    assert "at the values of values.json" in text
    assert text.count("<h2") == 4


def test_values_and_gradients_are_the_modules(folder: Path) -> None:
    assert main(["explain", "model.dsl", "-o", "report.html", "--at", "values.json"]) == 0
    assert main(["model.dsl", "-o", "m.py"]) == 0
    data = data_of((folder / "report.html").read_text("utf-8"))
    space: dict[str, Any] = {"__name__": "m"}
    exec((folder / "m.py").read_text("utf-8"), space)
    loss, grads = space["value_and_grad"](POINT["x"], POINT["y"], np.array(POINT["w"], float), 3.0)
    by_name = {v["name"]: v["at"][""] for v in data["values"] if v["name"]}
    assert float(by_name["L"]["full"].replace("−", "-")) == pytest.approx(loss, rel=1e-6)
    shown = [float(x) for x in by_name["w"]["whole"].replace("−", "-").split()]
    assert shown == pytest.approx(grads.w.tolist(), rel=1e-3)


def test_adjoints_of_the_models_own_are_shown_as_rules(folder: Path) -> None:
    own = "def f(v):\n    return v**2\nadjoint f(v, d_out):\n    return 3 * d_out * v\n"
    (folder / "own.dsl").write_text(f"{own}input x: real\nparam w: real\nloss L = f(w * x)\n", "utf-8")
    (folder / "one.json").write_text('{"x": 2, "w": 5}', "utf-8")
    assert main(["explain", "own.dsl", "-o", "report.html", "--at", "one.json"]) == 0
    text = (folder / "report.html").read_text("utf-8")
    by_name = {v["name"]: v for v in data_of(text)["values"] if v["name"]}
    assert by_name["w"]["at"][""]["gradient"] == "60"
    assert "<mn>3</mn>" in "".join(by_name["L"]["rules"])
    assert "own_adjoint" not in {v["op"] for v in by_name.values()}
    assert by_name["L"]["op"] == "own adjoint"
    assert "to the last bit" in text


def test_links_lead_to_the_lines_of_the_module(folder: Path) -> None:
    assert main(["explain", "model.dsl", "-o", "report.html", "--seed", "3"]) == 0
    text = (folder / "report.html").read_text("utf-8")
    links = data_of(text)["links"]
    assert "7" in links
    assert all(f'id="m{line}"' in text for line in links["7"])


@pytest.mark.parametrize(
    "name", ["max", "classifier", "char_lstm", "adaptive", "kepler", "window", "product"]
)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_examples_agree_with_the_module(name: str, level: int) -> None:
    program = program_of(Source(f"{name}.dsl", (EXAMPLES / f"{name}.dsl").read_text("utf-8")))
    text = page(compiled(program, Options(level=level)), given_random(program, {}, 1))
    assert 'class="agrees"' in text
    assert 'class="differs"' not in text


def test_a_wrong_module_is_called_wrong() -> None:
    program = program_of(Source("model.dsl", MODEL))
    made = compiled(program, Options())
    right = made.module.value_and_grad

    def wrong(*arguments: Any) -> Any:
        loss, grads = right(*arguments)
        return loss, grads._replace(b=grads.b + 1e-6)

    made.module.value_and_grad = wrong  # type: ignore[attr-defined]
    assert 'class="differs"' in page(made, given_random(program, {}, 0))


def test_dropout_draws_the_same_masks(folder: Path) -> None:
    (folder / "dropout.dsl").write_text(DROPOUT, "utf-8")
    (folder / "point.json").write_text('{"x": [1.0, 2.0, 3.0], "w": [0.1, 0.2, 0.3]}', "utf-8")
    for more in (["--at", "point.json", "--seed", "4"], ["--seed", "5"], []):
        assert main(["explain", "dropout.dsl", "-o", "report.html", *more]) == 0
        assert 'class="agrees"' in (folder / "report.html").read_text("utf-8")


def test_names_that_look_like_markup_are_escaped(folder: Path) -> None:
    text = "# <script>alert(1)</script> & co\ninput x: real\nparam w: real\nloss L = w * x  # </script><b>\n"
    (folder / "odd.dsl").write_text(text, "utf-8")
    assert main(["explain", "odd.dsl", "-o", "report.html"]) == 0
    page_text = (folder / "report.html").read_text("utf-8")
    assert "<script>alert" not in page_text
    assert "</script><b>" not in page_text
    assert "&lt;script&gt;alert(1)" in page_text


def test_what_fails_is_told_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "param A: real[2, 2]\ninput b: real[2]\nloss L = sum(dropout(solve(A, b), 0.5))\n"
    (folder / "solve.dsl").write_text(text, "utf-8")
    (folder / "point.json").write_text('{"A": [[1, 2], [2, 4]], "b": [1, 1]}', "utf-8")
    assert main(["explain", "solve.dsl", "-o", "r.html", "--at", "point.json"]) == 2
    assert "point.json: line 3: `solve(A, b)`: Singular matrix" in capsys.readouterr().err


def test_sizes_that_are_too_large_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wide.dsl").write_text("dim N\nparam w: real[N]\nloss L = sum(outer(w, w))\n", "utf-8")
    assert main(["explain", "wide.dsl", "-o", "r.html", "--sizes", "N=5000"]) == 2
    said = capsys.readouterr().err
    assert "--sizes: at N = 5000 `outer(w, w)` in line 3 would have 25,000,000 elements" in said
    assert "choose a smaller N" in said


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("{", "not JSON"),
        ("[1, 2]", "expected an object"),
        ({**POINT, "z": 1}, "no input or param `z`"),
        ({**POINT, "W": [1, 2]}, "did you mean `w`?"),
        ({"x": [[1.0, 2.0]], "y": [0]}, "no value for w, b"),
        ({**POINT, "x": [[1, 2], [3]]}, "x: rows of different lengths"),
        ({**POINT, "x": None}, "x: expected a number or nested lists of numbers, got null"),
        ({**POINT, "x": {"a": 1}}, "x: expected a number"),
        ({**POINT, "x": "abc"}, 'got "abc"'),
        ({**POINT, "x": [[1, None]]}, "x: expected a number or nested lists"),
        ({**POINT, "x": [["a", "b"], ["c", "d"]]}, "x: expected real[N, K], got dtype"),
        ({**POINT, "x": [1.0, 2.0]}, "x: expected real[N, K]"),
        ({**POINT, "y": [0, 1, 1]}, "N is 2 in x and 3 in y"),
        ({**POINT, "y": [0, 2]}, "y: expected int[N] in range(2), got 2"),
        ({**POINT, "y": [0.5, 1]}, "y: expected int[N], got dtype float64"),
        ({**POINT, "w": [0.5, -1]}, "w: expected real[K] > 0"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit(
    point: object, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "wrong.json").write_text(point if isinstance(point, str) else json.dumps(point), "utf-8")
    assert main(["explain", "model.dsl", "-o", "report.html", "--at", "wrong.json"]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "wrong.json" in said
    assert said.count("\n") == 1
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "model.dsl", "-o", "r.html", "--at", "none.json"], "none.json: no such file"),
        (["explain", "model.dsl", "-o", "r.html", "--sizes", "M=3"], "no dim M"),
        (["explain", "model.dsl", "-o", "r.html", "--sizes", "N=3", "--at", "values.json"], "--at gives the sizes"),
        (["explain", "model.dsl", "-o", "model.dsl"], "would overwrite the model"),
        (["explain", "model.dsl", "-o", "values.json", "--at", "values.json"], "would overwrite the values"),
        (["explain", "model.dsl", "-o", "no/r.html"], "no/r.html: no such file"),
        (["graph", "model.dsl", "-o", "g.pdf"], "ends with .svg, .png or .dot"),
        (["graph", "missing.dsl", "-o", "g.dot"], "missing.dsl: no such file"),
        (["explain", "while.dsl", "-o", "r.html"], "takes more than"),
    ],
)  # fmt: skip
def test_wrong_usage(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "while.dsl").write_text(
        "param w: real\nh = w\nfor t in range(300000):\n    h = h + 1\nloss L = h\n", "utf-8"
    )
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_broken_model_is_told_as_ever(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.dsl").write_text("input x: real\noutput f = sigmiod(x)\n", "utf-8")
    for command in (["explain", "broken.dsl", "-o", "r.html"], ["graph", "broken.dsl", "-o", "g.svg"]):
        assert main(command) == 1
        assert "did you mean `sigmoid`?" in capsys.readouterr().err


def test_models_without_a_derivative(folder: Path) -> None:
    (folder / "plain.dsl").write_text("input x: real\noutput y = exp(x)\n", "utf-8")
    assert main(["explain", "plain.dsl", "-o", "r.html"]) == 0
    assert main(["graph", "plain.dsl", "-o", "g.dot", "--seed", "0"]) == 0
    assert "nothing to differentiate" in (folder / "r.html").read_text("utf-8")


def test_the_picture_for_graphviz(folder: Path) -> None:
    assert main(["graph", "model.dsl", "-o", "g.dot"]) == 0
    plain = (folder / "g.dot").read_text("utf-8")
    assert plain.startswith('digraph "model" {')
    assert "<b>w</b>" in plain
    assert "#b3261e" not in plain
    assert main(["graph", "model.dsl", "-o", "g.dot", "--at", "values.json"]) == 0
    assert "#b3261e" in (folder / "g.dot").read_text("utf-8")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_pictures_by_graphviz(folder: Path) -> None:
    for name in ("classifier", "char_lstm", "adaptive"):
        assert main(["graph", str(EXAMPLES / f"{name}.dsl"), "-o", "g.svg", "--seed", "0", "--unfold"]) == 0
        assert "<svg" in (folder / "g.svg").read_text("utf-8")
    assert main(["graph", "model.dsl", "-o", "g.png"]) == 0
    assert (folder / "g.png").read_bytes().startswith(b"\x89PNG")


def test_without_graphviz_there_is_a_way_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert main(["graph", "model.dsl", "-o", "g.svg"]) == 2
    said = capsys.readouterr().err
    assert "apt install graphviz" in said
    assert "-o graph.dot" in said
    assert not (folder / "g.svg").exists()
    assert main(["graph", "model.dsl", "-o", "g.dot"]) == 0
