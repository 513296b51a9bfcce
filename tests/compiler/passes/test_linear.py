"""Long graphs: no pass recurses, and each does work that grows as the graph does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.irparse import parse_graph
from autodiffc.compiler.irtext import print_graph
from autodiffc.compiler.passes.adjoints import Options
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.passes.base import run_passes
from autodiffc.compiler.passes.batch import affine
from autodiffc.compiler.passes.forward import pushed_forward
from autodiffc.compiler.passes.partition import partition
from autodiffc.compiler.passes.pipeline import Differentiate, optimisation, prepare
from autodiffc.compiler.types import INT, REAL, Dim, Type
from autodiffc.compiler.verify import verify
from work import calls_of

STEPS = {
    "sum": lambda y, x: y + x,
    "product": lambda y, x: y * x,
    "mixed": lambda y, x: ops.log(ops.exp(ops.sin(y)) + 1.0) - x * y,
    "constants": lambda y, x: 2.0 * (y + 1.0),
}


def chain(name: str, length: int) -> Graph:
    x = ops.argument("x", Type("real", (Dim.symbol("N"),)))
    y: Node = x
    while length > 0:
        before = y
        y = STEPS[name](y, x)
        length -= _new(y, before)
    return Graph((x,), (("f", ops.sum(y, axis=(0,), keepdims=False)),))


def _new(node: Node, known: Node) -> int:
    """How many nodes a step made."""
    seen: set[Node] = set()
    stack = [node]
    while stack:
        top = stack.pop()
        if top is not known and top not in seen and top.args:
            seen.add(top)
            stack.extend(top.args)
    return max(len(seen), 1)


def pipeline(graph: Graph, level: int = 1) -> None:
    """Everything between the front end and the emitter."""
    seed = ops.argument("d_f", REAL)
    steps = (Differentiate("f", ("x",), seed), *optimisation(level, 1))
    joint = run_passes(steps, prepare(graph, level))
    partition(joint, 1, seed)


def test_a_long_chain() -> None:
    """How work grows is counted below; this is deep enough for any recursion to end in an error."""
    graph = chain("mixed", 10_000)
    pipeline(graph)
    verify(graph, "lower")


@pytest.mark.parametrize("name", STEPS)
def test_work_grows_as_the_graph(name: str) -> None:
    small, large = chain(name, 500), chain(name, 2_000)
    assert calls_of(lambda: pipeline(large)) < 4 * 1.1 * calls_of(lambda: pipeline(small))


def second_order(graph: Graph) -> Graph:
    """Forward mode on the chain, and on its gradient."""
    x_dot = ops.argument("x_dot", graph.inputs[0].type)
    joint = differentiate(graph, "f", ("x",))
    return pushed_forward(joint, ["f", "d_x"], {"x": x_dot}, Options())


@pytest.mark.parametrize("name", STEPS)
def test_the_work_of_tangents_grows_as_the_graph(name: str) -> None:
    small, large = chain(name, 500), chain(name, 2_000)
    assert calls_of(lambda: second_order(large)) < 4 * 1.1 * calls_of(lambda: second_order(small))


def test_text_of_a_long_chain() -> None:
    graph = chain("sum", 30_000)
    assert len(parse_graph(print_graph(graph)).nodes()) == len(graph.nodes())


@pytest.mark.parametrize(
    ("grow", "times", "factor"), [(lambda k: k + 1 - 1, 5_000, 1), (lambda k: k + k, 60, 2**60)]
)
def test_a_position_computed_in_many_steps(grow: Callable[[Node], Node], times: int, factor: int) -> None:
    step = ops.argument("t", INT)
    position = step
    for _ in range(times):
        position = grow(position)
    assert affine(position, step) == (factor, Dim.of(0))
