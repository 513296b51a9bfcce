"""What derivatives cost beside values, in operations of the optimised graphs (`tables/op_counts.py`).

jvp        at most 3 forward passes
hvp        at most 4 gradients with their value
Jacobian   at most a jvp for each direction or colour
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from math import prod
from pathlib import Path

import pytest
from autodiffc.api import program_of
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.model import Derivative, Program
from autodiffc.compiler.passes.dce import Dce
from autodiffc.compiler.passes.pipeline import derive
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from direction_models import MODELS
from op_counts import operations

EXAMPLES = Path(__file__).parents[1] / "examples"
COLOURS = 4

# A product of which both factors have tangents costs two more and their sum: four operations for one.
PRODUCTS = {"matrix_recurrence": 3.1, "product_recurrence": 4.0, "adbench/lstm": 3.15}
# Powers with exponents that have tangents, and special functions, whose slopes are further functions.
POWERS = {"mgh/beale": 3.4, "nist/Bennett5": 4.2, "nist/DanWood": 3.5, "special": 3.2}
# A maximum whose comparison its tangent shares is written as two choices and counted as such.
CHOICES = {"max": 4.0}
# Tangents that an infinite slope must not spoil are masked, which their values have no part in.
MASKS = {"adbench/ba": 3.1}
DEARER = {**PRODUCTS, **POWERS, **CHOICES, **MASKS}


def _examples() -> Iterator[str]:
    for path in sorted(EXAMPLES.rglob("*.dsl")):
        yield path.relative_to(EXAMPLES).with_suffix("").as_posix()


def _source(name: str) -> Source:
    return (
        Source(f"{name}.dsl", MODELS[name].text)
        if name in MODELS
        else read_source(str(EXAMPLES / f"{name}.dsl"))
    )


NAMES = [*MODELS, *_examples()]


class Costs:
    """The graphs of a model with all that is asked for, and what they cost."""

    def __init__(self, name: str):
        self.program: Program = program_of(_source(name))
        scalar = self.program.scalar_target
        emit = ("jvp", "hvp") if scalar else ("jvp", "jacobian")
        self.derivative: Derivative = derive(self.program, 1, emit=emit)
        symbols = {s for a in self.program.arguments for d in a.type.shape for s in d.symbols}
        self.sizes = {symbol: 5 + k % 4 for k, symbol in enumerate(sorted(symbols))}

    def of(self, graph: Graph, **sizes: int) -> int:
        return operations(graph, {**self.sizes, **sizes})

    def requested(self, name: str) -> Graph:
        return next(f.graph for f in self.derivative.requested if f.name == name)

    @property
    def forward(self) -> int:
        """The target's value alone."""
        graph = self.derivative.forward
        outputs = tuple((name, node) for name, node in graph.outputs if name == self.program.target)
        return self.of(Dce().run(replace(graph, outputs=outputs[:1])))

    @property
    def directions(self) -> int:
        shapes = [a.type.shape for a in self.program.arguments if a.name in self.program.wrt]
        return sum(prod(dim.evaluate(self.sizes) for dim in shape) for shape in shapes)


@cache
def _costs(name: str) -> Costs:
    return Costs(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_product_with_the_jacobian_costs_three_values(name: str) -> None:
    costs = _costs(name)
    if costs.program.target is None:
        return
    assert costs.of(costs.requested("jvp")) <= DEARER.get(name, 3.0) * costs.forward


@pytest.mark.parametrize("name", NAMES)
def test_a_product_with_the_hessian_costs_four_gradients(name: str) -> None:
    costs = _costs(name)
    joint = costs.derivative.value_and_grad
    if joint is not None:
        assert costs.of(costs.requested("hvp")) <= 4.0 * costs.of(joint)


@pytest.mark.parametrize("name", NAMES)
def test_a_jacobian_costs_a_product_for_each_direction(name: str) -> None:
    costs = _costs(name)
    if costs.program.scalar_target or costs.program.target is None:
        return
    derivative = costs.derivative
    assert derivative.backward is not None
    single = max(
        costs.of(costs.requested("jvp")), costs.of(derivative.forward) + costs.of(derivative.backward)
    )
    for function in derivative.requested:
        if function.name == "value_and_jacobian":
            assert costs.of(function.graph) <= costs.directions * single
    for sparse in derivative.sparse:
        symbols = {s for i in sparse.product.graph.inputs for d in i.shape for s in d.symbols}
        colours = dict.fromkeys(symbols - costs.sizes.keys(), COLOURS)
        assert len(colours) == 1
        assert costs.of(sparse.product.graph, **colours) <= COLOURS * single


def test_the_exceptions_are_such() -> None:
    for name, bound in DEARER.items():
        costs = _costs(name)
        ratio = costs.of(costs.requested("jvp")) / costs.forward
        assert 3.0 < ratio <= bound < ratio + 0.15
