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
