"""Which values a picture has, and in which boxes they are drawn."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
from autodiffc.api import program_of
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from autodiffc.report.given import given_random
from autodiffc.report.page import explained_picture

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = ["max", "classifier", "char_lstm", "adaptive", "digits_cnn", "gaussian_process", "adbench/hand"]
CALLS = """\
dim N
input x: real[N]
param w: real
def inner(a):
    b = tanh(a)
    return b * b
def outer(a):
    return inner(a) + inner(2 * a)
loss L = sum(outer(w * x))
"""
WHILE = "param w: real > 1 = 3.0\nx = w\nwhile x > 1 max 50:\n    x = x * 0.5\nloss L = x**2\n"
IF = "input c: real\nparam w: real\nif c > 0:\n    y = exp(w)\nelse:\n    y = w * w\nloss L = y\n"


def data_of(source: Source, numbers: bool = True) -> dict[str, Any]:
    program = program_of(source)
    return explained_picture(program, given_random(program, {}, 0) if numbers else None)[0].data()


def within(data: dict[str, Any], number: int) -> list[str]:
    """The kinds of the boxes around a value, the outermost first."""
    box = next(v["box"] for v in data["values"] if v["number"] == number)
    found = []
    while box >= 0:
        found.append(data["boxes"][box]["kind"])
        box = data["boxes"][box]["parent"]
    return found[::-1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("numbers", [True, False])
def test_every_value_is_in_a_box_and_leads_on(name: str, numbers: bool) -> None:
    data = data_of(read_source(str(EXAMPLES / f"{name}.dsl")), numbers)
    shown = {v["number"] for v in data["values"]}
    assert all(0 <= v["box"] < len(data["boxes"]) for v in data["values"])
    assert all(o in shown for v in data["values"] for o in v["operands"])
    assert all(b["parent"] < k for k, b in enumerate(data["boxes"]))
    used = {o for v in data["values"] for o in v["operands"]} | set(data["outputs"].values())
    unused = [
        v for v in data["values"] if v["number"] not in used and v["kind"] not in ("argument", "carried")
    ]
    left = [v["name"] for v in unused if v["number"] not in data["outputs"].values()]
    assert len(left) <= len(data["loops"]) * 4  # what only the next step of a loop needs
    held = [v["box"] for v in data["values"]] + [b["parent"] for b in data["boxes"]]
    assert all(
        held.count(k) > 1 or b["kind"] in ("loop", "branch", "side", "model")
        for k, b in enumerate(data["boxes"])
    )
    assert max(held.count(k) for k in range(len(data["boxes"]))) <= 24


def test_calls_of_functions_in_functions_are_in_order() -> None:
    """Two calls of one function are not one box: what lies between would lead out of it and in again."""
    data = data_of(Source("calls.dsl", CALLS))
    tanh = [v for v in data["values"] if v["op"] == "tanh"]
    assert len(tanh) == 2
    assert tanh[0]["box"] != tanh[1]["box"] or data["boxes"][tanh[0]["box"]]["kind"] == "call"
    assert "call" in within(data, tanh[0]["number"])
    assert_boxes_have_an_order(data)


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.dsl")), ids=lambda path: path.stem)
def test_boxes_have_an_order(path: Path) -> None:
    assert_boxes_have_an_order(data_of(read_source(str(path)), numbers=False))


def assert_boxes_have_an_order(data: dict[str, Any]) -> None:
    """No box needs what needs the box: lines of the picture lead one way, whatever is open."""
    chains: dict[int, list[str]] = {}
    for v in data["values"]:
        chain, box = [f"v{v['number']}"], v["box"]
        while box >= 0:
            chain.append(f"b{box}")
            box = data["boxes"][box]["parent"]
        chains[v["number"]] = chain[::-1]
    needs: dict[str, TopologicalSorter[str]] = {}
    for v in data["values"]:
        for o in v["operands"]:
            a, b = chains[o], chains[v["number"]]
            k = next(i for i in range(len(a)) if i >= len(b) or a[i] != b[i])
            needs.setdefault(a[k - 1], TopologicalSorter()).add(b[k], a[k])
    for sorter in needs.values():
        sorter.prepare()


def test_a_test_that_fails_is_no_step_of_a_while_loop() -> None:
    data = data_of(Source("while.dsl", WHILE))
    (loop,) = data["loops"]
    last = next(v for v in data["values"] if v["kind"] == "last" and v["name"] == "x")
    product = next(v for v in data["values"] if v["op"] == "×")
    assert loop["steps"][""] == list(range(loop["count"][""]))
    assert len(product["at"]) == loop["count"][""] > 0
    assert last["at"][""]["value"] == product["at"][str(loop["count"][""] - 1)]["value"]


@pytest.mark.parametrize("seed", range(4))
def test_a_branch_has_the_numbers_of_the_side_that_was_taken(seed: int) -> None:
    program = program_of(Source("if.dsl", IF))
    given = given_random(program, {}, seed)
    data = explained_picture(program, given)[0].data()
    positive = float(given.arguments["c"]) > 0
    choice = next(v for v in data["values"] if v["kind"] == "choice")
    assert choice["at"][""]["taken"] == [True, positive, not positive]
    assert choice["at"][""]["gradient"] == "1"
    by_op = {v["op"]: v for v in data["values"]}
    assert bool(by_op["exp"]["at"]) == positive
    assert bool(by_op["×"]["at"]) == (not positive)
    assert within(data, by_op["exp"]["number"])[1] == "branch"


def test_rules_are_told_with_the_names_of_the_model() -> None:
    data = data_of(
        Source("rules.dsl", "dim N\ninput x: real[N]\nparam w: real\nh = tanh(w * x)\nloss L = sum(h * w)\n")
    )
    tanh = next(v for v in data["values"] if v["name"] == "h")
    (rule,) = tanh["rules"]
    for part in ("<mi>L</mi>", "<mi>h</mi>", "<mo>∂</mo>", "<mo>⊙</mo>", "<mn>1</mn>"):
        assert part in rule


def test_long_loops_keep_their_first_and_last_steps() -> None:
    source = Source("long.dsl", "param w: real\nh = w\nfor t in range(5000):\n    h = sin(h)\nloss L = h\n")
    (loop,) = data_of(source)["loops"]
    steps = loop["steps"][""]
    assert loop["count"][""] == 5000
    assert steps[0] == 0
    assert steps[-1] == 4999
    assert len(steps) == 16
