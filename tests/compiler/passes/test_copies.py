"""Reshapes of transposed arrays: which ones copy."""

from __future__ import annotations

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.passes.copies import Copies
from autodiffc.compiler.passes.simplify import Simplify
from autodiffc.compiler.types import Dim, Shape, Type
from autodiffc.compiler.verify import verify

T, B, H = Dim.symbol("T"), Dim.symbol("B"), Dim.symbol("H")
SIZES = {"T": 4, "B": 2, "H": 3}
X = ops.argument("x", Type("real", (T, H, B)))
GIVEN = {"x": np.random.default_rng(3).normal(size=(4, 3, 2))}


def count(graph: Graph, name: str) -> int:
    return sum(node.op.name == name for node in graph.nodes())


@pytest.mark.parametrize(
    ("axes", "shape", "copies"),
    [
        ((0, 2, 1), (B * T, H), 1),
        ((2, 0, 1), (B * T, H), 1),
        ((1, 0, 2), (H * T, B), 0),  # rows stay rows
        ((0, 2, 1), (T, 1, B, H), 0),  # a view
    ],
)
def test_what_a_reshape_copies(axes: tuple[int, ...], shape: Shape, copies: int) -> None:
    turned = ops.transpose(X, axes=axes)
    sizes = tuple(size if isinstance(size, Dim) else Dim.of(size) for size in shape)
    results = [ops.reshape(turned, shape=sizes), ops.reshape(turned * 2.0, shape=sizes)]
    before = Graph((X,), tuple((f"r{k}", result) for k, result in enumerate(results)))
    after = Copies().run(before)
    verify(after, "copies")
    assert count(after, "detached") == copies
    old, new = evaluate(before, GIVEN, SIZES), evaluate(after, GIVEN, SIZES)
    for name, value in old.items():
        np.testing.assert_array_equal(value, new[name])


def test_two_reshapes_share_a_copy() -> None:
    turned = ops.transpose(X, axes=(0, 2, 1))
    rows = [ops.reshape(turned, shape=(B * T, H)), ops.reshape(turned, shape=(T * B, H)) * 2.0]
    after = Copies().run(Graph((X,), tuple((f"r{k}", row) for k, row in enumerate(rows))))
    assert count(after, "detached") == 1


@pytest.mark.parametrize(("axis", "copies"), [(1, 1), (2, 2)])
def test_joined_arrays_are_copied_once(axis: int, copies: int) -> None:
    other = ops.sin(X)
    joined = ops.concatenate(X, other, axis=axis)
    rows = [
        ops.reshape(ops.transpose(array, axes=(0, 2, 1)), shape=(T * array.shape[2], array.shape[1]))
        for array in (other, joined)
    ]
    before = Graph((X,), tuple((f"r{k}", row) for k, row in enumerate(rows)))
    after = Copies().run(before)
    verify(after, "copies")
    assert count(after, "detached") == copies
    old, new = evaluate(before, GIVEN, SIZES), evaluate(after, GIVEN, SIZES)
    for name, value in old.items():
        np.testing.assert_array_equal(value, new[name])


def test_sums_of_products_are_one_product() -> None:
    Y = ops.argument("y", Type("real", (T, B, H)))
    f = ops.sum(Y, axis=(0, 1, 2), keepdims=False)
    d_x = ops.sum(X @ Y, axis=(0,), keepdims=False)
    d_y = ops.transpose(Y @ X, axes=(0, 2, 1))
    before = Graph((X, Y), (("f", f), ("d_x", d_x), ("d_y", d_y)))
    after = Simplify(2).run(before)
    ranks = sorted(node.rank for node in after.nodes() if node.op is ops.matmul)
    assert ranks == [2, 3]
    assert after.output("d_y").op is ops.matmul
    given = {**GIVEN, "y": np.random.default_rng(4).normal(size=(4, 2, 3))}
    old, new = evaluate(before, given, SIZES), evaluate(after, given, SIZES)
    for name, value in old.items():
        np.testing.assert_allclose(value, new[name], rtol=1e-13)
