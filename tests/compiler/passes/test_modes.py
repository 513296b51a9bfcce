"""Training and prediction: what `in_training` becomes, and that neither graph computes what the other needs."""

from __future__ import annotations

import numpy as np
from autodiffc.api import program_of
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.irparse import parse_graph
from autodiffc.compiler.irtext import print_graph
from autodiffc.compiler.passes.modes import has_modes, predicting, trained
from autodiffc.compiler.passes.pipeline import derive
from autodiffc.compiler.verify import verify
from autodiffc.grammar.source import Source

BOTH = """
%0 x: real[N] = argument()
%1: real[N] = exp(%0)
%2 h: real[N] = in_training(%1, %0)
%3: real[N] = square(%2)
return f=%3
"""
TRAINED = """
%0 x: real[N] = argument()
%1 h: real[N] = exp(%0)
%2: real[N] = square(%1)
return f=%2
"""
PREDICTED = """
%0 x: real[N] = argument()
%1: real[N] = square(%0)
return f=%1
"""
MODEL = """
dim N, H
input x: real[N, H]
param w, scale: real[H]
h = dropout(exp(x * w), 0.5)
output p = sin(h)
loss L = sum(p * scale)
"""


def ops_of(graph: Graph | None) -> set[str]:
    assert graph is not None
    return {node.op.name for node in graph.nodes()}


def test_each_mode_takes_its_side() -> None:
    graph = parse_graph(BOTH)
    assert has_modes(graph)
    assert print_graph(trained(graph)).strip() == TRAINED.strip()
    assert print_graph(predicting(graph)).strip() == PREDICTED.strip()


def test_a_graph_without_modes_stays_what_it_is() -> None:
    graph = parse_graph(TRAINED)
    assert not has_modes(graph)
    assert trained(graph) is graph
    assert predicting(graph) is graph


def test_masks_are_inputs_after_the_arguments() -> None:
    program = program_of(Source("model.dsl", MODEL))
    assert [node["name"] for node in program.graph.inputs] == ["x", "w", "scale", "mask"]
    assert [(d.name, str(d.shape[0]), d.rate) for d in program.draws] == [("mask", "N", 0.5)]
    mask = program.draws[0].sample(np.random.default_rng(0), {"N": 4, "H": 3})
    np.testing.assert_array_equal(mask, np.random.default_rng(0).random((4, 3)) >= 0.5)


def test_what_each_graph_computes() -> None:
    program = program_of(Source("model.dsl", MODEL))
    for level in (0, 1, 2):
        derivative = derive(program, level, lambda done, before, after: None)
        assert "gate" in ops_of(derivative.forward)
        assert "gate" not in ops_of(derivative.predict)
        assert "in_training" not in ops_of(derivative.forward) | ops_of(derivative.predict)
        assert "mask" in derivative.saved
        for graph in (derivative.forward, derivative.backward, derivative.predict):
            assert graph is not None
            verify(graph, "derive")
