"""Short loops written out: the same bits as the loop, and no loop is left; long ones and others stay."""

from __future__ import annotations

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.passes.written_out import MOST_STEPS, WrittenOut
from autodiffc.grammar.source import Source
from hypothesis import given
from hypothesis import strategies as st

NEWTON = """
param m, e: real
E = m
for i in range({steps}):
    E = E - (E - e * sin(E) - m) / (i + 2 - e * cos(E))
output y = cos(E) * e
grad y wrt m, e
"""
NESTED = """
param a, b: real
h = a
s = b
for i in range(3):
    for j in range(2):
        h, s = tanh(h + i * s), s * b - j
output y = h * s
grad y wrt a, b
"""
ROWS = """
param x: real[{size}]
h = 0.5
for i in range(4):
    h = h * x[i] + 1
output y = h
grad y wrt x
"""


def graph_of(text: str) -> Graph:
    return program_of(Source("m.dsl", text)).graph


def loops_in(graph: Graph) -> int:
    return sum(n.op is ops.loop for n in graph.nodes())


@given(
    st.integers(1, 5),
    st.floats(-2.0, 2.0),
    st.sampled_from([0.3, -0.0, np.inf, np.nan, 5.0]),
)
def test_the_values_are_the_same_to_the_bit(steps: int, m: float, e: float) -> None:
    graph = graph_of(NEWTON.format(steps=steps))
    after = WrittenOut().run(graph)
    assert not loops_in(after)
    assert after.names
    given = {"m": np.float64(m), "e": np.float64(e)}
    with np.errstate(all="ignore"):
        expected, found = (np.asarray(evaluate(g, given, {})["y"]) for g in (graph, after))
    assert expected.tobytes() == found.tobytes()


def test_loops_in_loops_are_written_out_from_within() -> None:
    graph = graph_of(NESTED)
    assert not loops_in(WrittenOut().run(graph))
    given = {"a": np.float64(0.4), "b": np.float64(-0.7)}
    assert evaluate(graph, given, {}) == evaluate(WrittenOut().run(graph), given, {})


@pytest.mark.parametrize(
    "text",
    [
        NEWTON.format(steps=MOST_STEPS + 1),
        NEWTON.format(steps=4).replace("for i in range(4):", "i = 0.0\nwhile abs(E) < 9 max 4:"),
        ROWS.format(size=100),
    ],
    ids=["long", "ended", "rows"],
)
def test_other_loops_stay(text: str) -> None:
    graph = graph_of(text)
    assert WrittenOut().run(graph) is graph


def test_elements_of_small_arrays_are_read_where_they_are() -> None:
    program = program_of(Source("m.dsl", ROWS.format(size=4)))
    plain, written = (module_of(module_text(program, Options(level=level)), "m") for level in (0, 2))
    assert " in range(" not in module_text(program, Options(level=2))
    x = np.array([0.4, -0.0, 1.5, -0.7])
    value, grads = plain.value_and_grad(x)
    found, others = written.value_and_grad(x)
    np.testing.assert_allclose(found, value, rtol=1e-12)
    np.testing.assert_allclose(others.x, grads.x, rtol=1e-12)


@pytest.mark.parametrize("text", [NEWTON.format(steps=3), NESTED])
def test_gradients_are_those_of_the_loop(text: str) -> None:
    program = program_of(Source("m.dsl", text))
    plain, written = (module_of(module_text(program, Options(level=level)), "m") for level in (0, 2))
    assert " in range(" not in module_text(program, Options(level=2))
    for point in ((0.4, -0.7), (1.5, 0.2)):
        value, grads = plain.value_and_grad(*point)
        found, others = written.value_and_grad(*point)
        np.testing.assert_allclose([found, *others], [value, *grads], rtol=1e-12)
