"""The notebook's magic and displays, in IPython's shell and in a notebook that a kernel runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import autodiffc
import nbformat
import pytest
from autodiffc.api import module_of, program_of
from autodiffc.cards import findings_card, graph_card, module_card
from autodiffc.grammar.source import Source
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.utils.capture import RichOutput, capture_output
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

PRODUCT = "model product\ninput x, y, z: real\noutput f = (x + y) * z\ngrad f wrt x, y, z\n"
BROKEN = "input x: real\noutput f = sigmiod(x)\ng = x <\n"
SHADY = "model shady\ninput x, unused: real\nparam w: real\nloss L = log(x * w)\n"


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    made = InteractiveShell.instance()
    made.run_cell("%load_ext autodiffc")
    yield made
    InteractiveShell.clear_instance()


def run(shell: InteractiveShell, cell: str) -> tuple[ExecutionResult, list[RichOutput], str]:
    """What a cell gives: its result, what it displays, what it prints."""
    with capture_output() as said:
        result = shell.run_cell(cell)
    return result, said.outputs, said.stdout + said.stderr


def html(output: RichOutput) -> str:
    """The HTML of an output; it is well formed."""
    text = output.data["text/html"]
    whole = text.replace("&nbsp;", " ")
    ElementTree.fromstring(f"<div>{whole}</div>")
    return str(text)


def test_a_cell_becomes_a_module(shell: InteractiveShell) -> None:
    result, outputs, _ = run(shell, f"%%autodiffc\n{PRODUCT}")
    assert result.success
    module = shell.user_ns["product"]
    assert module.value_and_grad(2.0, 3.0, 4.0) == (20.0, (4.0, 4.0, 5.0))
    assert outputs[0].data["text/plain"] == "product: x, y, z → f"
    card = html(outputs[0])
    for part in ("<b>product</b>", "∂f/∂x", "backward(cache, d_f=1.0)", "<math", "def value_and_grad"):
        assert part in card
    assert "<svg" in html(outputs[1])


def test_the_line_takes_what_the_command_does(shell: InteractiveShell) -> None:
    model = "dim N\ndim K = 3\ninput x: real[N, K]\nparam w: real[K]\nloss L = sum((x @ w)**2)\n"
    result, outputs, _ = run(
        shell, f"%%autodiffc net -O2 -D K=5 --dtype float32 --emit hvp --no-graph\n{model}"
    )
    assert result.success
    spec = shell.user_ns["net"].SPEC
    assert (spec["level"], spec["dtype"], spec["constants"]) == (2, "float32", {"K": 5})
    assert hasattr(shell.user_ns["net"], "hvp")
    assert len(outputs) == 1


def test_a_model_without_a_name_is_called_model(shell: InteractiveShell) -> None:
    run(shell, "%%autodiffc --no-graph\ninput x: real\noutput f = x**2\n")
    assert shell.user_ns["model"].forward(3.0)[0].f == 9.0


def test_errors_stand_at_the_notebooks_lines(shell: InteractiveShell) -> None:
    result, outputs, said = run(shell, f"%%autodiffc broken\n{BROKEN}")
    assert not result.success
    assert type(result.error_in_exec).__name__ == "CellError"
    (shown,) = outputs
    assert "cell:3:12: error[E0202]: no function `sigmiod`" in shown.data["text/plain"]
    assert "cell:4:" in shown.data["text/plain"]
    assert '<b class="error">            ^^^^^^^</b>' in html(shown)
    assert "did you mean `sigmoid`?" in html(shown)
    assert "ModelError: 2 errors in the model" in said
    assert "Traceback" not in said
    assert "broken" not in shell.user_ns


def test_warnings_are_shown_where_asked_for(shell: InteractiveShell) -> None:
    _, outputs, _ = run(shell, f"%%autodiffc -W --no-graph\n{SHADY}")
    assert 'class="warning"' in html(outputs[0])
    assert "`unused`" in outputs[0].data["text/plain"]
    assert "shady" in shell.user_ns
    result, outputs, _ = run(shell, f"%%autodiffc strict -W error --no-graph\n{SHADY}")
    assert not result.success
    assert "strict" not in shell.user_ns
    _, outputs, _ = run(shell, f"%%autodiffc --no-graph\n{SHADY}")
    assert len(outputs) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-O7", "argument -O: invalid choice"), ("--emit cake", "argument --emit: 'cake' is none of"), ("-D K", "argument -D: expected NAME=NUMBER"),
        ("2b", "2b is not a name"), ("class", "class is not a name"), ("a b", "unrecognized arguments: b"), ("'", "No closing quotation"),
        ("--emit gauss_newton", "--emit gauss_newton"), ("-W cake", "-W: "),
    ],
)  # fmt: skip
def test_a_wrong_line_is_wrong_usage(shell: InteractiveShell, line: str, message: str) -> None:
    result, _, said = run(shell, f"%%autodiffc {line}\n{PRODUCT}")
    assert not result.success
    assert f"UsageError: %%autodiffc: {message}" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("cell", [f"%%autodiffc helped -h\n{PRODUCT}", "%autodiffc --help"])
def test_help_is_shown_and_nothing_compiled(shell: InteractiveShell, cell: str) -> None:
    result, outputs, said = run(shell, cell)
    assert (result.success, outputs) == (True, [])
    assert said.startswith("usage: %%autodiffc [")
    for part in ("what the module is called", "--no-graph", "--emit", "-W"):
        assert part in said
    assert "helped" not in shell.user_ns


def test_a_model_stands_in_a_cell(shell: InteractiveShell) -> None:
    result, _, said = run(shell, "%autodiffc net")
    assert not result.success
    assert "UsageError: %%autodiffc: the model stands in the cell" in said


def test_a_wrong_model_elsewhere_shows_its_lines_alone(shell: InteractiveShell) -> None:
    result, outputs, said = run(shell, "import autodiffc\nautodiffc.compile('output f = 1 +')")
    assert not result.success
    assert "output" in html(outputs[0])
    assert "frontend" not in said


def test_a_loaded_module_shows_itself(tmp_path: Path) -> None:
    (tmp_path / "product.dsl").write_text(PRODUCT)
    module = autodiffc.load(tmp_path / "product.dsl")
    card = module._repr_html_()
    assert "from product.dsl" in card
    assert "<math" in card
    assert str(tmp_path) not in card


def test_a_module_from_a_file_shows_itself(shell: InteractiveShell, tmp_path: Path) -> None:
    (tmp_path / "emitted_product.py").write_text(autodiffc.compile(PRODUCT))
    lines = [
        "import sys",
        f"sys.path.insert(0, {str(tmp_path)!r})",
        "import emitted_product",
        "emitted_product",
    ]
    result, _, _ = run(shell, "\n".join(lines))
    data, _ = shell.display_formatter.format(result.result)
    assert "<b>product</b>" in data["text/html"]


def test_other_modules_look_as_ever(shell: InteractiveShell) -> None:
    data, _ = shell.display_formatter.format(math)
    assert data == {"text/plain": repr(math)}


def test_texts_are_escaped() -> None:
    text = "# <script>\nmodel a\ninput x: real\noutput f = x if x < 1 else 2.0*x\n"
    assert "<script>" not in graph_card(program_of(Source("a.dsl", text)))
    assert "<script>" not in module_card(module_of(autodiffc.compile(text, name="<script>.dsl"), "a"))
    with pytest.raises(autodiffc.ModelError) as found:
        program_of(Source("<script>.dsl", "output f = <script>\n"))
    card = findings_card(found.value.diagnostics)
    assert "<script>" not in card
    assert "&lt;script&gt;.dsl:1:12" in card


def test_without_graphviz_there_is_a_plainer_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    drawing = graph_card(program_of(Source("p.dsl", PRODUCT)))
    assert "autodiffc-tip" in drawing
    assert "f = ×" in drawing


def test_the_cells_of_the_document_run(shell: InteractiveShell) -> None:
    document = Path(__file__).resolve().parents[2] / "docs" / "editors.md"
    cells = re.findall(r"(?ms)^```ipython\n(.*?)^```$", document.read_text("utf-8"))
    assert len(cells) == 4
    results = [run(shell, cell)[0] for cell in cells]
    assert all(result.success for result in results)
    assert results[2].result == (6.0, (2.0, 5.0, 0.0))
    assert shell.user_ns["net"].SPEC["level"] == 2


def test_a_notebook_runs_in_its_kernel(tmp_path: Path) -> None:
    cells = ["%load_ext autodiffc", f"%%autodiffc\n{PRODUCT}", "product.grad(2.0, 3.0, 4.0).z", "product"]
    notebook = executed(cells, tmp_path)
    (answer,) = notebook.cells[2].outputs
    assert answer.data["text/plain"] == "5.0"
    assert "<b>product</b>" in notebook.cells[3].outputs[0].data["text/html"]


def test_a_notebook_stops_at_a_wrong_model(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="2 errors in the model"):
        executed(["%load_ext autodiffc", f"%%autodiffc\n{BROKEN}"], tmp_path)


def executed(cells: list[str], folder: Path) -> Any:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    nbformat.validate(notebook)
    return notebook
