"""The parts of the report that are text: numbers, formulas, panes, tables."""

from __future__ import annotations

import doctest
import importlib
import re
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, program_of
from autodiffc.compiler import ops
from autodiffc.compiler.types import REAL, Dim, Type
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from autodiffc.report.agreement import difference
from autodiffc.report.given import given_random
from autodiffc.report.numbers import brief, full, number
from autodiffc.report.page import compiled, explained_picture, page
from autodiffc.report.rules import Rules, slopes
from autodiffc.report.sides import module_pane, source_pane, spread

EXAMPLES = Path(__file__).parents[3] / "examples"
MODULES = [
    "numbers",
    "scene",
    "rules",
    "flow",
    "folds",
    "sides",
    "costs",
    "dot",
    "given",
    "picture",
    "agreement",
]
N = Dim.symbol("N")


@pytest.mark.parametrize("name", MODULES)
def test_what_docstrings_show(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"autodiffc.report.{name}")).failed == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"), (-0.5, "−0.5"), (1e-9, "1e−9"), (-3e20, "−3e20"), (float("nan"), "NaN"), (float("inf"), "∞"),
        (float("-inf"), "−∞"), (True, "true"), (-3, "−3"), (0.1 + 0.2, "0.3"),
    ],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_arrays_stay_short_whatever_their_size() -> None:
    generator = np.random.default_rng(0)
    for shape in [(), (0,), (1,), (3,), (100,), (4, 0), (2, 3), (50, 60), (2, 3, 4), (2, 2, 30, 40)]:
        array = generator.normal(size=shape) * 1e-5
        assert len(brief(array)) < 40
        lines = full(array).split("\n")
        assert len(lines) <= 8
        assert max(map(len, lines)) < 100
    assert brief(np.array([1.0, np.nan, 2.0, np.nan, 1.0])) == "5: 2 NaN"
    assert brief(np.array([[True, False]])) == "1×2: false … true"
    assert "⋮" in full(np.zeros((9, 2)))
    assert "…" in full(np.zeros((2, 9)))


def test_rules_of_every_op_are_well_formed_or_left_out() -> None:
    """Over all elementwise ops: markup that a browser reads, in the names that were given."""
    rules = Rules("L", {"a", "b", "c", "y"}, frozenset())
    told = 0
    for op in ops.OPS.values():
        if not op.elementwise or op.sympy is None or not op.params or op.params[-1].startswith("*"):
            continue
        names = ["a", "b", "c"][: len(op.params)]
        args = [ops.argument(name, Type("real", (N,))) for name in names]
        try:
            node = op(*args)
        except Exception:  # an op of ints or bools
            continue
        if node.type.kind != "real":
            continue
        for text in rules.formulas(node, "y", names):
            if text:
                ET.fromstring(text)
                told += 1
    assert told > 40


def test_slopes_are_derivatives() -> None:
    x = ops.argument("x", Type("real", (N,)))
    at = np.array([0.3, -1.2])
    (slope,) = slopes(ops.tanh(x), np.tanh(at), [at], {"N": 2})
    assert slope is not None
    np.testing.assert_allclose(slope, 1 - np.tanh(at) ** 2)
    y = ops.argument("y", REAL)
    (none,) = slopes(ops.sum(x, axis=(0,), keepdims=False), np.array(-0.9), [at], {"N": 2})
    assert none is None
    left, right = slopes(y * y, np.array(9.0), [np.array(3.0), np.array(3.0)], {})
    assert left is not None
    assert right is not None
    assert float(left) == float(right) == 3.0


def test_panes_have_a_line_for_each_line() -> None:
    text = 'model odd  # <b>\ninput x: real\nloss L = (x +\n   1)  # "end"\n'
    source = Source("odd.dsl", text)
    pane = source_pane(source, {3: frozenset({7, 8})})
    assert pane.count("<li ") == 4
    assert "&lt;b&gt;" in pane
    assert re.findall(r'class="line linked" id="(\w+)"', pane) == ["s3", "s4"]
    assert spread(source, {3: frozenset({8, 7})}) == {3: [7, 8], 4: [7, 8]}
    plain = re.sub(r"<[^>]+>", "", pane.replace("</li>", "\n"))
    assert [line[1:] for line in plain.rstrip("\n").split("\n")] == [
        "model odd  # &lt;b&gt;", "input x: real", "loss L = (x +", "   1)  # &quot;end&quot;"
    ]  # fmt: skip


def test_the_module_is_shown_as_it_is() -> None:
    program = program_of(read_source(str(EXAMPLES / "char_lstm.dsl")))
    text = compiled(program, Options(level=2)).made.text
    pane = module_pane(text, {5})
    lines = [re.sub(r"<[^>]+>", "", line) for line in pane.split("</li>")[:-1]]
    assert [unescape(line[len(str(k)) :]) for k, line in enumerate(lines, start=1)] == text.rstrip(
        "\n"
    ).split("\n")


def test_costs_are_those_of_explain_cost(capsys: pytest.CaptureFixture[str]) -> None:
    from autodiffc.cli import main

    path = str(EXAMPLES / "classifier.dsl")
    assert main([path, "--explain-cost", "--sizes", "N=64,D=20,H=30"]) == 0
    said = capsys.readouterr().out
    program = program_of(read_source(path))
    text = page(compiled(program, Options()), given_random(program, {"N": 2}, 0), {"N": 64, "D": 20, "H": 30})
    rows = re.findall(r"^(value_and_grad|forward|backward) +(\S+ \S+) +(\S+ \S+)", said, re.M)
    assert len(rows) == 3
    for name, flops, moved in rows:
        (row,) = re.findall(rf"<tr><td><code>{name}</code></td>(<td class=.*?)</tr>", text)
        assert f">{flops}</td>" in row
        assert f">{moved}</td>" in row
    for name in ("autodiff", "cse", "dce"):
        assert f"<code>{name}</code>" in text


@pytest.mark.parametrize(
    ("text", "nudge", "rounding"),
    [
        ("loss L = w * x", 1e-15, True),
        ("loss L = w * x", 1e-12, False),
        ("loss L = 1e6 * (w * x) - 1e6 * (x * w) + w**2", 1e-12, True),  # 1e6 - 1e6 of the gradient cancels
        ("loss L = sin(1e9 * w) * x", 1e-9, True),  # the last digit of w moves it as much
        ("loss L = sin(1e9 * w) * x", 1e-3, False),
    ],
)
def test_rounding_is_told_from_a_mistake(text: str, nudge: float, rounding: bool) -> None:
    program = program_of(Source("m.dsl", f"input x: real\nparam w: real\n{text}\n"))
    made = compiled(program, Options())
    given = given_random(program, {}, 0)
    right = made.module.value_and_grad

    def moved(*arguments: Any) -> Any:
        loss, grads = right(*arguments)
        return loss, grads._replace(w=grads.w * (1 + nudge))

    made.module.value_and_grad = moved  # type: ignore[attr-defined]
    gradients = explained_picture(program, given)[1]
    assert gradients is not None
    found = difference(program, made.module, given, gradients)
    assert found.is_rounding == rounding
    assert found.size > 0
