"""Graphs for Graphviz."""

from __future__ import annotations

import doctest

from autodiffc.api import Options, derivative_of, program_of
from autodiffc.codegen import dot
from autodiffc.grammar.source import Source

MODEL = "input x: real\nc = x * 2.5\noutput f = exp(c)\ngrad f wrt x\n"


def test_the_example_of_the_module() -> None:
    assert doctest.testmod(dot).failed == 0


def test_names_constants_and_adjoints_are_told_apart() -> None:
    joint = derivative_of(program_of(Source("m.dsl", MODEL)), Options()).value_and_grad
    assert joint is not None
    text = dot.to_dot(joint)
    assert '[label="x: real", style=rounded]' in text
    assert '[label="c = mul: real"]' in text
    assert '[label="2.5"]' in text
    assert '[label="d_x = mul: real", style=dashed]' in text
    assert '[label="d_x", shape=plaintext]' in text
    assert text.count("{") == text.count("}") == 1


def test_bodies_are_clusters() -> None:
    model = "dim N\nparam x: real[N]\nh = 0.0\nfor i in range(N):\n    if x[i] > 0:\n        h = sin(h) * x[i]\nloss L = h\n"
    text = dot.to_dot(program_of(Source("m.dsl", model)).graph)
    assert text.count("subgraph cluster_") == 3  # a body, and two sides of a branch in it
    assert text.count("{") == text.count("}") == 4
    names = [line.split()[0] for line in text.splitlines() if "[label=" in line and "->" not in line]
    assert len(names) == len(set(names))
