"""Random models: what the lints say of them is true of their graphs and of their values."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from autodiffc.api import program_of
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.lint import LINTS, findings
from autodiffc.compiler.lint.flow import Flow
from autodiffc.compiler.lint.singular import what_is_given
from autodiffc.compiler.lint.subject import Subject
from autodiffc.compiler.model import Program
from autodiffc.compiler.passes.dce import Dce
from autodiffc.compiler.passes.pipeline import derive
from autodiffc.compiler.samples import draw, size_choices
from autodiffc.compiler.types import TUPLE
from autodiffc.grammar.source import Source
from whole_models import whole_model

SEEDS = range(24)
ROUNDING = 1e-9


def program(seed: int) -> Program:
    return program_of(Source("random.dsl", whole_model(Random(seed), 3).text))


def values(program: Program, graph: Graph, seed: int) -> dict[str, np.ndarray]:
    """The outputs of a graph at a random point; nothing where the model has none there."""
    generator = np.random.default_rng(seed)
    for attempt in range(4):
        sizes = next(size_choices(program, {}))
        try:
            with np.errstate(all="ignore"):
                return evaluate(graph, draw(program, sizes, generator, attempt), sizes)
        except (ValueError, IndexError, np.linalg.LinAlgError):
            continue
    return {}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_param_without_a_gradient_has_none(seed: int) -> None:
    model = program(seed)
    flagged = [f.span.text for f in findings(model, LINTS) if f.code == "W0201"]
    joint = derive(model, 0).value_and_grad
    if flagged and joint is not None:
        found = values(model, joint, seed)
        assert all(not found[f"d_{name}"].any() for name in flagged if found)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_graph_does_without_an_unused_input(seed: int) -> None:
    model = program(seed)
    flagged = {f.span.text for f in findings(model, LINTS) if f.code == "W0101"}
    assert not flagged & {n["name"] for n in Dce().run(model.graph).nodes() if n.op.name == "argument"}


@pytest.mark.parametrize("seed", SEEDS)
def test_values_lie_in_their_intervals(seed: int) -> None:
    subject = Subject(program(seed))
    graph = subject.graph
    flow = Flow()  # here the zeros that a `var` begins with are values too
    known = flow.values(graph, what_is_given(subject, flow))
    nodes = [n for n in graph.nodes() if n.type.kind != TUPLE]
    every = Graph(graph.inputs, tuple((str(i), node) for i, node in enumerate(nodes)))
    found = values(subject.program, every, seed)
    wrong = [n for i, n in enumerate(nodes) if found and not inside(found[str(i)], known[n].interval, n)]
    assert wrong == []


def inside(array: np.ndarray, interval: tuple[float, float], node: Node) -> bool:
    known = array[np.isfinite(array)]
    if not known.size or array.dtype == bool:
        return True
    slack = ROUNDING * max(1.0, float(np.abs(known).max()))
    return interval[0] - slack <= known.min() and known.max() <= interval[1] + slack
