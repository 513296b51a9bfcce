"""Sums of products in tiles as products of matrices and einsums: which become so, and that values stay."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from autodiffc.codegen.contract import contracted
from autodiffc.compiler import ops
from autodiffc.compiler.interp import results
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import Dim, Type
from autodiffc.compiler.verify import verify

N = Dim.symbol("N")
SIZES = {"N": 7, "C": 4, "D": 3}
DIMS = {"N": TILE, "C": Dim.symbol("C"), "D": Dim.symbol("D"), "1": Dim.of(1)}


def _array(name: str, letters: str) -> Node:
    """An array of a tile; `NC1` has an axis of length 1."""
    return ops.argument(name, Type("real", tuple(DIMS[c] for c in letters)))


def _in_tiles(result: Node, *inputs: Node) -> Graph:
    """The sum over all tiles of what a body makes of its inputs."""
    axes = tuple(node.shape.index(TILE) if TILE in node.shape else None for node in inputs)
    whole = [
        ops.argument(n["name"], Type("real", tuple(N if d == TILE else d for d in n.shape))) for n in inputs
    ]
    body = Graph(inputs, (("total", result),))
    tiled = ops.tiled(*whole, body=body, axes=axes, rows=(None,), length=N, width=Dim.of(4))
    return Graph(tuple(whole), (("total", ops.item(tiled, position=0)),))


def _ops(graph: Graph) -> set[str]:
    (tiled,) = (node for node in graph.nodes() if node.op is ops.tiled)
    return {node.op.name for node in tiled["body"].nodes()}


def _agree(before: Graph, after: Graph) -> None:
    verify(after, "contract")
    generator = np.random.default_rng(0)
    values = {
        node["name"]: generator.normal(size=[d.evaluate(SIZES) for d in node.shape]) for node in before.inputs
    }
    for old, new in zip(results(before, values, SIZES), results(after, values, SIZES)):
        assert new.shape == old.shape
        np.testing.assert_allclose(new, old, rtol=1e-12)


def _places(letters: str) -> list[str]:
    """All ways to have an axis of length 1 in the place of some of these."""
    return ["".join(c) for c in product(*((letter, "1") for letter in letters))]


@pytest.mark.parametrize("order", ["NCD", "CND", "CDN", "DNC", "NC", "CN"])
def test_sums_over_the_rows_of_a_tile(order: str) -> None:
    for first, second in product(_places(order), repeat=2):
        if all(c in first + second for c in order) and "N" in first + second:
            x, y = _array("x", first), _array("y", second)
            for keepdims in (False, True):
                total = ops.sum(x * y, axis=(order.index("N"),), keepdims=keepdims)
                before = _in_tiles(total, x, y)
                after = contracted(before)
                _agree(before, after)
                alone = [set(a) - set(b) - {"1"} for a, b in ((first, second), (second, first))]
                found = "N" in first and "N" in second and any(alone) and max(map(len, alone)) == 1
                assert ("matmul" in _ops(after)) is found


def test_a_number_that_scales_a_factor_scales_the_sum() -> None:
    x, y, s = _array("x", "NC1"), _array("y", "NCD"), ops.argument("s", Type("real"))
    before = _in_tiles(ops.sum((s * x) * y, axis=(0,), keepdims=False), x, y, s)
    after = contracted(before)
    (tiled,) = (node for node in after.nodes() if node.op is ops.tiled)
    (_, total) = tiled["body"].outputs[0]
    assert total.op is ops.mul
    assert [arg.rank for arg in total.args] == [0, 2]
    _agree(before, after)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("square", [False, True])
@pytest.mark.parametrize(("letters", "found"), [("NCD", True), ("CND", True), ("NC", False)])
def test_inner_products_of_rows(letters: str, found: bool, square: bool, keepdims: bool) -> None:
    x = _array("x", letters)
    y = x if square else _array("y", letters)
    rows = ops.sum(ops.square(x) if square else x * y, axis=(x.rank - 1,), keepdims=keepdims)
    total = ops.sum(ops.exp(rows), axis=tuple(range(rows.rank)), keepdims=False)
    before = _in_tiles(total, *dict.fromkeys((x, y)))
    after = contracted(before)
    assert ("contract" in _ops(after)) is found
    _agree(before, after)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("letters", "axes", "found"),
    [("NCD", (0,), True), ("CND", (1,), True), ("NCD", (0, 1), True), ("CND", (0, 1), True),
     ("NCD", (0, 2), True), ("NCD", (1,), False), ("NC", (0,), False), ("NCD", (0, 1, 2), False)],
)  # fmt: skip
def test_sums_of_arrays_that_have_all_axes(
    letters: str, axes: tuple[int, ...], found: bool, keepdims: bool
) -> None:
    x, y = _array("x", letters), _array("y", letters)
    total = ops.sum(x * y, axis=axes, keepdims=keepdims)
    if TILE in total.shape:
        total = ops.sum(ops.exp(total), axis=(0,), keepdims=False)
    before = _in_tiles(total, x, y)
    after = contracted(before)
    assert ("contract" in _ops(after)) is (found or (keepdims and len(axes) == 3))
    _agree(before, after)


def test_products_that_are_read_elsewhere_stay() -> None:
    x, y = _array("x", "NC1"), _array("y", "NCD")
    both = x * y
    total = ops.sum(both, axis=(0,), keepdims=False) + ops.sum(ops.exp(both), axis=(0,), keepdims=False)
    before = _in_tiles(total, x, y)
    assert contracted(before) is before


def test_nothing_happens_outside_of_tiles() -> None:
    x = ops.argument("x", Type("real", (N, DIMS["C"])))
    w = ops.argument("w", Type("real", (N, Dim.of(1))))
    graph = Graph((x, w), (("y", ops.sum(x * w, axis=(0,), keepdims=False)),))
    assert contracted(graph) is graph
