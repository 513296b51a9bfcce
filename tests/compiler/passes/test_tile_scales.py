"""Numbers are taken out of sums over tiles: which of them, and that values stay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.interp import results
from autodiffc.compiler.ir import Graph, Node, Origin
from autodiffc.compiler.irtext import print_graph
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.passes.tile_scales import TileScales
from autodiffc.compiler.types import REAL, Dim, Type
from autodiffc.compiler.verify import verify
from autodiffc.grammar.source import Source, Span

N, D = Dim.symbol("N"), Dim.of(3)
SPAN = Span(Source("model.dsl", "L = x"), 0, 1)
X = ops.argument("x", Type("real", (TILE, D)))
Y = ops.argument("y", Type("real", (TILE, D)))
S, T = ops.argument("s", REAL), ops.argument("t", REAL)
COUNT = ops.cast(ops.dim_value(N), "real")


def _tiled(*outputs: Node, adjoint: bool = True) -> Graph:
    """A graph with what a body makes of rows of x and y and of the numbers s and t."""
    body = Graph((X, Y, S, T), tuple((f"out{k}", node) for k, node in enumerate(outputs)))
    body = Graph(
        body.inputs, body.outputs, {}, {node: (Origin(SPAN, adjoint),) for node in body.nodes() if node.args}
    )
    whole = [ops.argument(n["name"], Type("real", (N, D))) for n in (X, Y)] + [S, T]
    rows = tuple(0 if TILE in node.shape else None for node in outputs)
    tiled = ops.tiled(*whole, body=body, axes=(0, 0, None, None), rows=rows, length=N, width=Dim.of(9))
    made = tuple((f"made{k}", ops.item(tiled, position=k)) for k in range(len(outputs)))
    return Graph(tuple(whole), made)


def _sum(x: Node) -> Node:
    return ops.sum(x, axis=(0,), keepdims=False)


def _inside(graph: Graph) -> list[str]:
    (tiled,) = (node for node in graph.nodes() if node.op is ops.tiled)
    return [node.op.name for node in tiled["body"].nodes() if node.args]


def _same(before: Graph, after: Graph) -> None:
    verify(after, "tile_scales")
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(7, 3)), "y": rng.normal(size=(7, 3)), "s": 1.7, "t": -0.3}
    for found, expected in zip(results(after, values, {"N": 7}), results(before, values, {"N": 7})):
        np.testing.assert_allclose(found, expected, rtol=1e-14)


CASES: dict[str, tuple[Sequence[Node], list[str]]] = {
    "a divisor": ([_sum(X / S * Y)], ["mul", "sum"]),
    "a factor and a sign": ([_sum(-(S * X) * Y)], ["mul", "sum"]),
    "a number of rows": ([_sum(X / COUNT)], ["sum"]),
    "two, through a product of matrices": (
        [ops.transpose(T * (X / S), axes=(1, 0)) @ Y], ["transpose", "matmul"]
    ),
    "one of both factors": ([_sum((S * X) * (T * Y))], ["mul", "sum"]),
    "read twice": ([_sum(both := S * X), _sum(both * Y)], ["sum", "mul", "sum"]),
    "a total": ([ops.sum(-X, axis=(0, 1), keepdims=False)], ["sum"]),
    "rows stay as they are": ([S * X], ["mul"]),
    "what rows are made of too": ([scaled := S * X, _sum(scaled)], ["mul", "sum"]),
    "what is no factor": ([_sum(ops.exp(S * X))], ["mul", "exp", "sum"]),
    "a square": ([_sum(ops.square(S * X))], ["mul", "square", "sum"]),
    "a divisor that is scaled": ([_sum(Y / (S * X))], ["mul", "div", "sum"]),
    "a factor with itself": ([_sum((part := S * X) * part)], ["mul", "mul", "sum"]),
    "a term": ([_sum(S * X + Y)], ["mul", "add", "sum"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_taken_out(name: str) -> None:
    outputs, inside = CASES[name]
    before = _tiled(*outputs)
    after = TileScales().run(before)
    assert _inside(after) == inside
    _same(before, after)


def test_a_model_s_own_arithmetic_stays() -> None:
    before = _tiled(_sum(X / S), adjoint=False)
    assert TileScales().run(before) is before


def test_what_no_tile_reads_is_given_to_none() -> None:
    after = TileScales().run(_tiled(_sum(-X / S), _sum(Y)))
    text = print_graph(after)
    assert "tiled(%0, %1, axes=(0, 0)" in text
    (tiled,) = (node for node in after.nodes() if node.op is ops.tiled)
    assert [node["name"] for node in tiled["body"].inputs] == ["x", "y"]


def test_means_of_no_rows_have_slopes_of_zero() -> None:
    before = _tiled(_sum(X / COUNT))
    after = TileScales().run(before)
    assert "max(N, 1)" in print_graph(after)
    values = {"x": np.zeros((0, 3)), "y": np.zeros((0, 3)), "s": 1.0, "t": 1.0}
    np.testing.assert_array_equal(results(after, values, {"N": 0}), np.zeros((1, 3)))


def test_numbers_that_may_be_infinite_without_rows_stay() -> None:
    other = ops.cast(ops.dim_value(N * Dim.symbol("K")), "real")
    before = _tiled(_sum(X / other))
    assert TileScales().run(before) is before


def test_graphs_without_tiles_stay() -> None:
    graph = Graph((S, T), (("L", S / T),))
    assert TileScales().run(graph) is graph
