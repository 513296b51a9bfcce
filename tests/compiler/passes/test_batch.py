"""An op on the values of all steps gives each step's value, whichever of its operands differ between steps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from array_cases import CASES, SIZES, Case, draw, parsed
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.passes.batch import RULES
from autodiffc.compiler.passes.batch_control import image_of
from autodiffc.compiler.passes.operands import Operand
from autodiffc.compiler.types import Dim
from autodiffc.compiler.verify import verify

P = 3
STEPS = Dim.symbol("P")
ALL = {**SIZES, "P": P}
# Ops that have no form in some cases: index arrays apart, diagonals beside the main one, all axes at once.
SOMETIMES = {
    "gather", "scatter_add", "set_at", "add_at", "diagonal", "trace", "diag", "put_diagonal", "solve",
    "solve_triangular", "take_flat", "put_flat", "argmax", "argmin",
}  # fmt: skip


def _choices(c: Case) -> Iterator[frozenset[int]]:
    places = range(len(c.arguments))
    for size in range(1, len(c.arguments) + 1):
        yield from map(frozenset, combinations(places, size))


def _stacked(node: Node) -> Node:
    return ops.argument(f"{node['name']}s", node.type.with_shape((STEPS, *node.shape)))


@pytest.mark.parametrize("c", [c for c in CASES if c.op in RULES and c.arguments], ids=str)
def test_the_values_of_all_steps_are_those_of_each(c: Case) -> None:
    inputs = tuple(ops.argument(f"a{k}", parsed(text)) for k, text in enumerate(c.arguments))
    node = ops.OPS[c.op](*inputs, **c.attrs)
    graph = Graph(inputs, (("y", node),))
    rng = np.random.default_rng(7)
    drawn = [[draw(text, rng) for text in c.arguments] for _ in range(P)]
    for chosen in _choices(c):
        operands = [Operand(_stacked(i) if k in chosen else i, k in chosen) for k, i in enumerate(inputs)]
        image = image_of(node, operands, STEPS)
        if image is None:
            assert c.op in SOMETIMES
            continue
        assert image.node.type == node.type.with_shape((STEPS, *node.shape))
        batched = Graph(tuple(o.node for o in operands), (("y", image.node),))
        verify(batched, "all steps")
        steps = [[row[k] if k in chosen else drawn[0][k] for k in range(len(inputs))] for row in drawn]
        given = {
            str(o.node["name"]): np.stack([step[k] for step in steps]) if o.stacked else steps[0][k]
            for k, o in enumerate(operands)
        }
        found = evaluate(batched, given, ALL)["y"]
        for k, step in enumerate(steps):
            expected = evaluate(graph, {f"a{i}": value for i, value in enumerate(step)}, SIZES)["y"]
            np.testing.assert_allclose(found[k], expected, rtol=1e-10, atol=1e-12)


def test_every_rule_has_a_case() -> None:
    assert RULES.keys() - {c.op for c in CASES} == {"stop_gradient"}
