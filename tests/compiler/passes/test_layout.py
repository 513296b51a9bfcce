"""Tiles of short rows are computed in columns: which arrays are turned, and that nothing else changes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from autodiffc.codegen import routines_array as routines
from autodiffc.compiler import ops
from autodiffc.compiler.interp import results
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.indexing import whole
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.passes.layout import Layout, turned_in
from autodiffc.compiler.types import Dim, Type
from autodiffc.compiler.verify import verify

N = Dim.symbol("N")


def _tiled(body: Node, *inputs: Node) -> Graph:
    """The graph of a sum over tiles of arrays that the body is given whole rows of."""
    whole = [ops.argument(f"{node['name']}s", Type("real", (N, *node.shape[1:]))) for node in inputs]
    graph = Graph(inputs, (("total", body),))
    axes = (0,) * len(inputs)
    tiled = ops.tiled(*whole, body=graph, axes=axes, rows=(None,), length=N, width=Dim.of(4))
    return Graph(tuple(whole), (("total", ops.item(tiled, position=0)),))


def _rows(name: str, width: int | str) -> Node:
    return ops.argument(
        name, Type("real", (TILE, Dim.symbol(width) if isinstance(width, str) else Dim.of(width)))
    )


def _turned(graph: Graph) -> list[str]:
    (tiled,) = (node for node in graph.nodes() if node.op is ops.tiled)
    return [node.args[0]["name"] for node in tiled["body"].nodes() if node.op is ops.columns]


def _far(x: Node) -> Node:
    """Of each row and each of two shifted ones the sum of squares."""
    wide = ops.reshape(x, shape=(x.shape[0], Dim.of(1), x.shape[1]))
    return ops.sum(ops.square(wide - 1.0), axis=(0, 1, 2), keepdims=False)


@pytest.mark.parametrize(("width", "turned"), [("D", ["x"]), (8, ["x"]), (1, []), (400, [])])
def test_what_is_computed_with_is_turned_where_rows_may_be_short(width: int | str, turned: list[str]) -> None:
    x = _rows("x", width)
    before = _tiled(_far(x), x)
    after = Layout().run(before)
    verify(after, "layout")
    assert _turned(after) == turned


def test_rows_that_are_gathered_are_turned_where_parts_of_them_are_computed_with() -> None:
    table = ops.argument("table", Type("real", (N, Dim.of(6))))
    at = ops.argument("at", Type("int", (TILE,)))
    rows = ops.gather(table, at, index=(("array", 0), whole(Dim.of(6))))
    part = ops.getitem(rows, index=(whole(TILE), ("slice", Dim.of(2), Dim.of(3), 1)))
    for result, turned in ((ops.exp(part), True), (part, False)):
        body = Graph((table, at), (("total", ops.sum(result, axis=(0, 1), keepdims=False)),))
        assert turned_in(body) == ({rows} if turned else set())


def test_what_goes_into_a_product_of_matrices_alone_is_left_as_it_is() -> None:
    x, w = _rows("x", 8), _rows("w", 8)
    product = ops.sum(ops.transpose(x, axes=(1, 0)) @ w, axis=(0, 1), keepdims=False)
    before = _tiled(product, x, w)
    assert Layout().run(before) is before


def test_values_stay() -> None:
    x, y = _rows("x", 3), _rows("y", 3)
    before = _tiled(_far(x * y), x, y)
    after = Layout().run(before)
    assert _turned(after) == ["x", "y"]
    rng = np.random.default_rng(0)
    values = {"xs": rng.normal(size=(7, 3)), "ys": rng.normal(size=(7, 3))}
    np.testing.assert_array_equal(results(before, values, {"N": 7}), results(after, values, {"N": 7}))


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (2, 3), (100, 3), (100, 70), (3, 100)])
def test_columns_are_a_matter_of_memory(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    turned = routines._columns(x)
    np.testing.assert_array_equal(turned, x)
    many_short = shape[1] <= 40 and 2 * shape[1] <= shape[0]
    assert (turned.strides[0] == x.itemsize) or not many_short or 0 in shape
    assert turned is x or many_short


@pytest.mark.parametrize(
    ("shape", "axis"), [((100, 3), 0), ((4, 100, 3), 1), ((100, 4, 3), 0), ((4, 2, 3), 0), ((0, 3), 0)]
)
def test_memory_for_rows(shape: tuple[int, ...], axis: int) -> None:
    made = routines._by_columns(shape, axis)
    assert made.shape == shape
    if shape[axis] == 100:
        assert made.strides[axis] == made.itemsize
    made[...] = np.arange(made.size).reshape(shape)
    for array in (made, np.ascontiguousarray(made)):
        np.testing.assert_array_equal(routines._row_sums(array), made.sum(axis=-1))


def test_a_matrix_lies_as_the_arrays_do_that_have_one_more_axis() -> None:
    """Sums of (100, 50, 3) along the last axis would else be written across columns."""
    whole, sums = routines._by_columns((100, 50, 3), 0), routines._by_columns((100, 50), 0, width=3)
    assert whole.strides[0] == sums.strides[0] == 8
    whole, sums = routines._by_columns((100, 50, 60), 0), routines._by_columns((100, 50), 0, width=60)
    assert whole.strides[2] == sums.strides[1] == 8


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("columns", [2, 50])
def test_products_of_all_pairs(columns: int, order: Literal["C", "F"]) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=100), rng.normal(size=(columns, 3))[:, 1]
    for out in (None, np.empty((100, columns), order=order), np.empty((200, columns), order=order)[::2]):
        found = routines._outer(a, b, out=out)
        np.testing.assert_array_equal(found, np.multiply.outer(a, b))
        assert out is None or found is out


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("places", [[0, 3, 3, 1, 0], [0, -1, 3, -4, 0], []])
def test_rows_are_added_up_as_they_lie(order: Literal["C", "F"], places: list[int]) -> None:
    at = np.array(places, int)
    rows = np.array(np.random.default_rng(0).normal(size=(len(at), 3)), order=order)
    expected = np.ones((4, 3))
    np.add.at(expected, at, rows)
    total = np.ones((4, 3))
    routines._add_rows(total, at, rows)
    np.testing.assert_allclose(total, expected, rtol=1e-15)


@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("places", [[[0, 3], [3, 1]], [[0, -1], [3, -4]], [[], []]])
def test_columns_are_added_up(contiguous: bool, places: list[list[int]]) -> None:
    at = np.array(places, int)
    columns = np.random.default_rng(0).normal(size=(3, *at.shape))
    expected = np.ones((3, 4))
    np.add.at(expected, np.s_[:, at], columns)
    total = np.ones((3, 4)) if contiguous else np.ones((4, 3)).T
    routines._add_columns(total, at, columns)
    np.testing.assert_allclose(total, expected, rtol=1e-15)
    empty = np.ones((0, 4))
    routines._add_columns(empty, at, columns[:0])
    assert empty.shape == (0, 4)


@pytest.mark.parametrize("top", [1.0, np.inf, -np.inf, np.nan])
def test_what_is_shifted_into_memory_is_what_is_shifted(top: float) -> None:
    x = np.random.default_rng(0).normal(size=(4, 3))
    x[1, 2] = top
    m = x.max(axis=1, keepdims=True)
    expected = routines._shifted(x, m)
    np.testing.assert_array_equal(routines._shifted(x[1], float(m[1, 0])), expected[1])
    out = np.empty_like(x)
    assert routines._shifted(x, m, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert routines._shifted(x, m, out=x) is x
    np.testing.assert_array_equal(x, expected)
