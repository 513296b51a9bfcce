"""Parts of rows are views of rows that are picked once; where that is more than was asked for, they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.interp import results
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.indexing import whole
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.passes.rows import Rows
from autodiffc.compiler.passes.simplify import Simplify
from autodiffc.compiler.types import Dim, Type
from autodiffc.compiler.verify import verify

N, P, W = Dim.symbol("N"), Dim.symbol("P"), Dim.symbol("W")


def _argument(name: str, *shape: Dim | int, kind: str = "real") -> Node:
    return ops.argument(name, Type("int" if kind == "int" else "real", tuple(map(Dim.of, shape))))


TABLE, AT = _argument("table", N, 11), _argument("at", P, kind="int")


def _part(table: Node, at: Node, start: Dim | int, length: Dim | int, axis: int = 1) -> Node:
    """table[at, start : start + length], or the same along the other axis."""
    items: list[tuple[Any, ...]] = [("array", 0), ("array", 0)]
    items[axis] = ("slice", Dim.of(start), Dim.of(length), 1)
    return ops.gather(table, at, index=tuple(items))


def _graph(*parts: Node) -> Graph:
    inputs = dict.fromkeys(arg for part in parts for arg in part.args)
    return Graph(tuple(inputs), tuple((f"y{k}", part) for k, part in enumerate(parts)))


def _gathers(graph: Graph) -> int:
    return sum(node.op is ops.gather for node in graph.nodes())


@pytest.mark.parametrize(
    ("parts", "gathers"),
    [
        ((_part(TABLE, AT, 0, 3), _part(TABLE, AT, 3, 3)), 1),
        ((_part(TABLE, AT, 0, 3), _part(TABLE, AT, 6, 2)), 2),  # less than half of a row
        ((_part(TABLE, AT, 0, 6), _part(TABLE, AT, 0, 6)), 2),  # one part, which cse makes one
        ((_part(TABLE, AT, 0, 6), _part(TABLE, _argument("other", P, kind="int"), 6, 5)), 2),
        ((_part(TABLE, AT, 0, 6), _part(_argument("another", N, 11), AT, 6, 5)), 2),
    ],
)
def test_rows_are_picked_once_where_parts_are_half_of_them(parts: tuple[Node, ...], gathers: int) -> None:
    before = _graph(*parts)
    after = Rows().run(before)
    verify(after, "rows")
    assert _gathers(after) == gathers
    assert (after is before) is (gathers > 1)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("at", [_argument("at", P, kind="int"), _argument("at", P, 2, kind="int")])
def test_parts_along_either_axis_by_positions_of_any_rank(axis: int, at: Node) -> None:
    table = _argument("table", *((W, N) if axis == 0 else (N, W)))
    before = _graph(
        _part(table, at, 0, W, axis), _part(table, at, 1, W - 1, axis), _part(table, at, 0, 1, axis)
    )
    after = Rows().run(before)
    verify(after, "rows")
    assert _gathers(after) == 2  # what takes whole rows is the same, as cse sees
    rng = np.random.default_rng(0)
    shape = (5, 4) if axis == 0 else (4, 5)
    picked = rng.integers(-4, 4, (6, 2)[: at.rank])
    values = {"table": rng.normal(size=shape), "at": picked}
    sizes = {"N": 4, "W": 5, "P": 6}
    for expected, found in zip(results(before, values, sizes), results(after, values, sizes)):
        np.testing.assert_array_equal(found, expected)


def test_cotangents_are_added_up_once() -> None:
    parts = [_part(TABLE, AT, 0, 4), _part(TABLE, AT, 4, 4), _part(TABLE, AT, 8, 3)]
    total = sum(
        (ops.sum(ops.exp(p), axis=(0, 1), keepdims=False) for p in parts), ops.argument("c", Type("real"))
    )
    graph = Graph((TABLE, AT, total.args[0].args[0].args[0]), (("L", total),))
    counts = []
    for model in (graph, Rows().run(graph)):
        gradient = Simplify(1).run(differentiate(model, "L", ["table"]))
        counts.append(sum(node.op is ops.scatter_add for node in gradient.nodes()))
    assert counts == [3, 1]


def test_bodies_have_rows_too() -> None:
    t = ops.argument("t", Type("int"))
    table, at = _argument("table", N, 4), _argument("at", P, kind="int")
    h = _argument("h", P, 2)
    body = Graph((t, h, table, at), (("h_new", h + _part(table, at, 0, 2) * _part(table, at, 2, 2)),))
    start = _argument("start", P, 2)
    loop = ops.loop(ops.dim_value(N), start, table, at, body=body, carried=1, length=N)
    graph = Graph((start, table, at), (("y", ops.item(loop, position=0)),))
    after = Rows().run(graph)
    verify(after, "rows")
    (inner,) = (node["body"] for node in after.nodes() if node.op is ops.loop)
    assert _gathers(inner) == 1
    assert whole(Dim.of(4)) in next(n for n in inner.nodes() if n.op is ops.gather)["index"]
