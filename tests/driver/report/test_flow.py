"""What flows along the lines of the picture: each gradient is the sum of what is handed to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from autodiffc.api import program_of
from autodiffc.compiler.ir import Array
from autodiffc.compiler.passes.modes import trained
from autodiffc.compiler.passes.pipeline import prepare
from autodiffc.compiler.tape import traced
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from autodiffc.report.flow import Flow
from autodiffc.report.given import given_random
from autodiffc.report.scene import Scene, Steps, scene_of

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = [
    "max", "classifier", "char_rnn", "char_lstm", "adaptive", "kepler", "hidden_markov", "digits_cnn", "trig",
    "dynamic_programming", "matrix_recurrence", "gaussian_process", "adbench/hand",
]  # fmt: skip
LOOP = "dim T\ninput x: real[T]\nparam w: real\nh = 1.0\nfor t in range(T):\n    h = tanh(w * h + x[t])\nloss L = h**2\n"
STILL = "dim T\ninput x: real[T]\nparam w: real\nh = w\nfor t in range(T):\n    if x[t] > 100:\n        h = h * 2\nloss L = h**2\n"
BACKWARD = "dim T\ninput x: real[T]\nparam w: real\nvar s: real[T]\nh = w\nfor t in range(T - 1, -1, -1):\n    h = h * x[t]\n    s[t] = h\nloss L = sum(s)\n"
NESTED = "dim T, N\ninput x: real[T, N]\nparam w: real\nh = w\nfor t in range(T):\n    for n in range(N):\n        h = sin(h + w * x[t, n])\nloss L = h\n"


def flow_of(source: Source, sizes: dict[str, int] | None = None) -> tuple[Scene, Flow]:
    program = program_of(source)
    graph = prepare(trained(program.graph), 0, {a.name: a.attained for a in program.arguments})
    given = given_random(program, sizes or {}, 0)
    tape = traced(graph, given.arguments, given.sizes)
    scene = scene_of(graph)
    assert program.target is not None
    return scene, Flow(scene, tape, tape.backward(program.target, program.wrt), program.target)


def named(scene: Scene, name: str, kind: str) -> int:
    (found,) = [v.number for v in scene.values if v.name == name and v.kind == kind]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_is_handed_to_a_value_adds_up_to_its_gradient(name: str) -> None:
    """Over all steps: parts reach a value along lines of the picture, through what stands for it."""
    scene, flow = flow_of(read_source(str(EXAMPLES / f"{name}.dsl")))
    received: dict[tuple[int, Steps], Array] = {}
    for (number, position, steps), part in flow._handed.items():
        value = scene.values[number]
        operand = scene.values[value.operands[position]]
        if value.kind == "last":  # what the last step left, or what the loop began with
            source = flow.source(value, steps)
            assert source is not None
            operand, own = scene.values[source[0]], source[1]
        else:
            own = steps[: operand.depth]
        key = operand.number, own
        received[key] = received[key] + part if key in received else part
    for number, value in enumerate(scene.values):
        if value.kind != "carried":
            continue
        for at in [at for at in flow._through if at[0] == number]:
            source = flow.source(value, at[1])
            if source is not None and source[0] not in value.operands:  # from the step before
                total = flow._through[at]
                received[source] = received[source] + total if source in received else total
    checked = 0
    target = flow.tape.graph.outputs
    for (number, steps), part in received.items():
        whole = flow.gradient(number, steps)
        record = flow.records.get((number, steps))
        seeds = [p for s, p in (flow.gradients.parts(record) if record is not None else ()) if s is None]
        total = part + sum(seeds, np.zeros_like(part))
        assert whole is not None
        np.testing.assert_allclose(total, whole, rtol=1e-9, atol=1e-12 * (1 + np.abs(whole).max(initial=0.0)))
        checked += 1
    assert checked > 2
    assert target


def test_a_step_begins_with_what_the_one_before_left() -> None:
    scene, flow = flow_of(Source("loop.dsl", LOOP), {"T": 4})
    begin = named(scene, "h", "carried")
    step, last = scene.values[begin].body, named(scene, "h", "last")
    assert float(np.asarray(flow.value(begin, (0,)))) == 1.0
    for t in range(1, 4):
        assert flow.value(begin, (t,)) is flow.value(step, (t - 1,))
        np.testing.assert_allclose(flow.gradient(begin, (t,)), flow.gradient(step, (t - 1,)))
    assert flow.value(last, ()) is flow.value(step, (3,))
    np.testing.assert_allclose(flow.gradient(last, ()), 2 * np.asarray(flow.value(last, ())))


def test_the_gradient_of_a_weight_has_a_part_of_every_step() -> None:
    scene, flow = flow_of(Source("loop.dsl", LOOP), {"T": 5})
    w = named(scene, "w", "argument")
    users = scene.users()[w]
    assert len(users) == 1
    parts = [flow.handed(users[0][0], users[0][1], (t,)) for t in range(5)]
    assert all(part is not None for part in parts)
    np.testing.assert_allclose(sum(parts), flow.gradient(w, ()))


def test_what_no_step_changes_goes_through_all_of_them() -> None:
    scene, flow = flow_of(Source("still.dsl", STILL), {"T": 300})
    w, last = named(scene, "w", "argument"), named(scene, "h", "last")
    assert flow.record(last, ()) == flow.record(w, ())
    begin = named(scene, "h", "carried")
    for t in (0, 150, 299):
        np.testing.assert_array_equal(flow.gradient(begin, (t,)), flow.gradient(w, ()))
    choice = next(v for v in scene.values if v.kind == "choice")
    assert flow.handed(choice.number, 1, (0,)) is None
    np.testing.assert_array_equal(flow.handed(choice.number, 2, (0,)), flow.gradient(w, ()))


def test_loops_that_run_backward() -> None:
    scene, flow = flow_of(Source("backward.dsl", BACKWARD), {"T": 3})
    begin = named(scene, "h", "carried")
    values = [flow.value(begin, (t,)) for t in range(3)]
    assert flow.record(named(scene, "w", "argument"), ()) in {flow.record(begin, (t,)) for t in range(3)}
    assert all(value is not None for value in values)


def test_loops_in_loops() -> None:
    scene, flow = flow_of(Source("nested.dsl", NESTED), {"T": 3, "N": 2})
    inner = [v for v in scene.values if v.kind == "carried" and v.depth == 2]
    outer = [v for v in scene.values if v.kind == "carried" and v.depth == 1]
    assert len(inner) == 1
    assert len(outer) == 1
    assert flow.value(inner[0].number, (1, 0)) is flow.value(outer[0].number, (1,))
    assert flow.value(outer[0].number, (2,)) is flow.value(inner[0].body, (1, 1))
