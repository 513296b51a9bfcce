"""Products over several axes become products of matrices; pools of convolutions keep the memory's order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from array_cases import TENSORDOTS, WINDOWS, parsed
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.passes.lower import Lower
from autodiffc.compiler.passes.pipeline import lowering

SIZES = {"N": 3, "D": 4, "M": 5, "K": 2, "B": 6}


def _both(y: Node, *arguments: Node) -> tuple[Graph, Any, Any]:
    """The lowered graph, and what both give."""
    graph = Graph(arguments, (("y", y),))
    rng = np.random.default_rng(0)
    given = {
        a["name"]: rng.integers(-3, 4, [d.evaluate(SIZES) for d in a.shape]).astype(float) for a in arguments
    }
    lowered = Lower().run(graph)
    return lowered, evaluate(graph, given, SIZES)["y"], evaluate(lowered, given, SIZES)["y"]


@pytest.mark.parametrize(("types", "axes"), TENSORDOTS)
def test_a_product_is_one_of_matrices(types: list[str], axes: Any) -> None:
    a, b = (ops.argument(f"x{i}", parsed(text)) for i, text in enumerate(types))
    lowered, before, after = _both(ops.tensordot(a, b, axes=axes), a, b)
    np.testing.assert_allclose(after, before, rtol=1e-13)
    assert ops.tensordot not in lowered.ops or not before.ndim


@pytest.mark.parametrize(("text", "kernel", "windows"), WINDOWS)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_pool_and_its_slope(text: str, kernel: Any, windows: dict[str, Any], swapped: bool) -> None:
    """Many elements are equal; what a convolution gives is swapped, and goes through an activation."""
    x = ops.argument("x", parsed(text))
    axes = (1, 0, *range(2, x.rank))
    batch = ops.relu(ops.transpose(ops.transpose(x, axes=axes), axes=axes) if swapped else x)
    places = ops.window_argmax(batch, kernel=kernel, **windows)
    pooled = ops.take_flat(batch, places)
    slope = ops.put_flat(pooled * pooled, places, shape=batch.shape)
    for y in (pooled, ops.tanh(slope)):
        lowered, before, after = _both(y, x)
        np.testing.assert_array_equal(after, before)
        assert ops.take_flat not in lowered.ops


def test_the_last_ops_are_lowered_at_the_highest_level_alone() -> None:
    assert [bool(lowering(level)) for level in (0, 1, 2)] == [False, False, True]
