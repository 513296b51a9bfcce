"""Gradients on a tape are those of the compiled adjoint, and each is the sum of its parts."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, derivative_of, program_of
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.model import Program
from autodiffc.compiler.passes.modes import trained
from autodiffc.compiler.passes.pipeline import prepare
from autodiffc.compiler.tape import Gradients, TooLong, traced
from autodiffc.grammar.source import Source
from whole_checks import case_of
from whole_models import whole_model

RECURRENCE = """\
dim T
input x: real[T]
param w: real
h = 0.0
for t in range(T):
    h = tanh(w * h + x[t])
loss L = h * h
"""


def program(text: str) -> Program:
    return program_of(Source("m.dsl", text))


def taped(model: Program, arguments: dict[str, Any], sizes: dict[str, int]) -> Gradients:
    graph = prepare(trained(model.graph), 0, {a.name: a.attained for a in model.arguments})
    return traced(graph, arguments, sizes).backward(str(model.target), model.wrt)


def slopes(gradients: Gradients) -> dict[str, np.ndarray]:
    tape = gradients.tape
    found = {node["name"]: gradients.of(tape.found[node]) for node in tape.graph.inputs}
    return {name: slope for name, slope in found.items() if slope is not None}


@pytest.mark.parametrize("seed", range(30))
def test_the_gradient_is_that_of_the_adjoint_graph(seed: int) -> None:
    model = whole_model(Random(seed), 4)
    case = case_of(model, seed, model.sizes)
    arguments = {name: np.asarray(value) for name, value in case.arguments.items()}
    compiled = derivative_of(case.program, Options(level=0)).value_and_grad
    assert compiled is not None
    expected = evaluate(compiled, arguments, case.sizes)
    found = slopes(taped(case.program, arguments, dict(case.sizes)))
    for name in case.program.wrt:
        gradient = expected[f"d_{name}"]
        size = float(np.abs(gradient).max(initial=1.0))
        np.testing.assert_allclose(found.get(name, 0.0 * gradient), gradient, rtol=1e-9, atol=1e-9 * size)


def test_each_gradient_is_the_sum_of_what_was_handed_on() -> None:
    gradients = taped(program(RECURRENCE), {"x": np.array([0.3, -0.2, 0.5]), "w": np.array(0.7)}, {"T": 3})
    seen = 0
    for record in gradients.tape.records:
        parts = gradients.parts(record.number)
        total = gradients.of(record.number)
        assert (total is None) == (not parts)
        if total is not None:
            np.testing.assert_allclose(sum(part for _, part in parts), total, rtol=1e-15)
            seen += len(parts) > 1
    assert seen >= 2  # the loss uses h twice, every step uses w


def test_a_step_of_a_loop_has_records_of_its_own() -> None:
    tape = taped(program(RECURRENCE), {"x": np.array([0.3, -0.2, 0.5]), "w": np.array(0.7)}, {"T": 3}).tape
    states = [record for record in tape.records if record.node.op.name == "tanh"]
    assert [record.place[0].step for record in states] == [0, 1, 2]
    h = 0.0
    for x, record in zip([0.3, -0.2, 0.5], states):
        h = np.tanh(0.7 * h + x)
        assert float(record.value) == pytest.approx(h, rel=1e-15)


def test_a_step_knows_its_records_and_what_it_carries() -> None:
    arguments = {"x": np.array([0.3, -0.2, 0.5]), "w": np.array(0.7)}
    tape = taped(program(RECURRENCE), arguments, {"T": 3}).tape
    first, *_, last = steps = list(tape.steps.values())
    assert len(steps) == 3
    assert all(before.after == after.before for before, after in pairwise(steps))
    (number,) = last.after
    inside = {record.number for record in tape.records if record.place}
    assert inside == {n for step in steps for n in step.records}
    (h,) = (float(tape.records[n].value) for n in first.after)
    back = tape.pulled({number: np.ones(())}, last.records, {*last.records, *last.before})
    slope = 1 - float(tape.records[number].value) ** 2
    assert float(back.of(last.before[0])) == pytest.approx(0.7 * slope, rel=1e-15)
    assert h == pytest.approx(np.tanh(0.3))


def test_only_the_side_of_a_branch_that_is_taken_is_on_the_tape() -> None:
    model = program(
        "param x: real\nif x > 0:\n    y = exp(x)\nelse:\n    y = sin(x)\nloss L = y\n",
    )
    for x, op, slope in ((0.5, "exp", np.exp(0.5)), (-0.5, "sin", np.cos(0.5))):
        gradients = taped(model, {"x": np.array(x)}, {})
        assert op in {record.node.op.name for record in gradients.tape.records}
        assert not {"exp", "sin"} - {op} & {record.node.op.name for record in gradients.tape.records}
        assert slopes(gradients)["x"] == pytest.approx(slope, rel=1e-15)


def test_what_is_not_used_meets_no_infinite_slope() -> None:
    model = program("dim N\nparam x: real[N]\nloss L = sum(where(x > 0, sqrt(x), 0.0))\n")
    found = slopes(taped(model, {"x": np.array([0.0, 4.0])}, {"N": 2}))
    np.testing.assert_array_equal(found["x"], [0.0, 0.25])


def test_a_tape_that_grows_too_long_says_so() -> None:
    model = program(RECURRENCE)
    graph = prepare(model.graph, 0, {})
    with pytest.raises(TooLong, match="more than 1,000 operations"):
        traced(graph, {"x": np.zeros(500), "w": np.array(0.5)}, {"T": 500}, longest=1000)
