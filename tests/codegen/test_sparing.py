"""Tiles in an order that keeps few rows, and what they compute where rows of results will stand."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from autodiffc.api import Options, derivative_of, module_text, program_of
from autodiffc.codegen.schedule import LEAVES, Step, schedule
from autodiffc.codegen.sparing import ending, sparing
from autodiffc.compiler.ir import Graph
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source

ROOT = Path(__file__).parents[2]
MODELS = sorted(
    path for folder in ("examples", "benchmarks/models") for path in (ROOT / folder).rglob("*.dsl")
)
TWO_BRANCHES = """
dim N
param x: real[N]
a = tanh(x) * exp(-x**2)
b = log1p(x**2) / (1 + sqrt(1 + x**2))
loss L = sum(a + b)
"""
A_CHAIN = "dim N\nparam x: real[N]\nloss L = sum(tanh(exp(sin(cos(x)))))"


def tiles_of(path_or_text: Path | str) -> list[Graph]:
    """The bodies of the tiles of value_and_grad."""
    is_path = isinstance(path_or_text, Path)
    source = read_source(str(path_or_text)) if is_path else Source("model.dsl", str(path_or_text))
    graph = derivative_of(program_of(source), Options(level=2)).value_and_grad
    assert graph is not None
    return [node["body"] for node in graph.nodes() if node.op.name == "tiled"]


def ordered(body: Graph) -> tuple[list[Step], list[Step]]:
    steps = schedule(body)
    return steps, sparing(steps, [node for _, node in body.outputs])


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_every_step_once_and_after_its_arguments(path: Path) -> None:
    derivative = derivative_of(program_of(read_source(str(path))), Options(level=2))
    for body in tiles_of(path) if derivative.value_and_grad else ():
        steps, other = ordered(body)
        done = set()
        for step in other:
            assert all(a in done or a.op.name in LEAVES for a in step.node.args)
            done.add(step.node)
        assert sorted(map(steps.index, other)) == list(range(len(steps)))


def test_the_adjoint_begins_before_the_forward_pass_ends() -> None:
    (body,) = tiles_of(TWO_BRANCHES)
    _, other = ordered(body)
    passes = [step.group.adjoint for step in other]
    assert False in passes[passes.index(True) :]  # a step of the forward pass after one of the adjoint


def test_where_nothing_is_gained_the_order_of_the_lines_stays() -> None:
    for body in tiles_of(A_CHAIN):
        steps, other = ordered(body)
        assert other == steps


def test_what_ends_rows_does_not_wait() -> None:
    (body,) = tiles_of(TWO_BRANCHES)
    _, other = ordered(body)
    prompt = ending(other, [node for _, node in body.outputs])
    assert prompt
    for step, following in pairwise(other):
        assert step.node not in prompt or step.node not in following.node.args


def test_rows_of_a_result_are_memory_until_they_are_written() -> None:
    text = module_text(program_of(Source("model.dsl", TWO_BRANCHES)), Options(level=2))
    tile = text[text.index("def _on_tile(") : text.index("def grad(")]
    assert len(re.findall(r"out=d_x\)", tile)) > 1
