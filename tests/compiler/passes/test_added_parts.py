"""What is added to a part of an array: where it is added in place of a sum with zeros."""

from __future__ import annotations

import numpy as np
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.indexing import whole
from autodiffc.compiler.passes.added_parts import AddedParts
from autodiffc.compiler.types import Dim, Type
from autodiffc.compiler.verify import verify

B, H = Dim.symbol("B"), Dim.symbol("H")
SIZES = {"B": 2, "H": 3}
X, Y = ops.argument("x", Type("real", (B, 2 * H))), ops.argument("y", Type("real", (B, H)))
V = ops.argument("v", Type("real", (B,)))
RIGHT, FIRST = (whole(B), ("slice", H, H, 1)), (whole(B), ("at", Dim.of(0)))


def put(part: Node, index: tuple[tuple[object, ...], ...] = RIGHT) -> Node:
    return ops.put(part, shape=X.shape, index=index)


def changed(*results: Node) -> Graph:
    """The graph of these results after the pass, with the same values."""
    before = Graph((X, Y, V), tuple((f"r{k}", result) for k, result in enumerate(results)))
    after = AddedParts().run(before)
    verify(after, "added_parts")
    rng = np.random.default_rng(len(results))
    given = {"x": rng.normal(size=(2, 6)), "y": rng.normal(size=(2, 3)), "v": rng.normal(size=2)}
    old, new = evaluate(before, given, SIZES), evaluate(after, given, SIZES)
    for name, value in old.items():
        np.testing.assert_array_equal(value, new[name])
    return after


def count(graph: Graph, name: str) -> int:
    return sum(node.op.name == name for node in graph.nodes())


def test_a_part_is_added_to_a_value_of_no_other_use() -> None:
    graph = changed(ops.sin(X) + put(ops.exp(Y)), put(ops.exp(V), FIRST) + ops.cos(X))
    assert (count(graph, "add_at"), count(graph, "put"), count(graph, "add")) == (2, 0, 0)


def test_several_parts() -> None:
    graph = changed(ops.sin(X) + put(Y) + put(V, FIRST))
    assert (count(graph, "add_at"), count(graph, "put")) == (2, 0)
    graph = changed(put(Y) + put(V, FIRST))
    assert (count(graph, "add_at"), count(graph, "put")) == (1, 1)


def test_what_has_another_use_stays() -> None:
    s, part = ops.sin(X), put(Y)
    assert count(changed(s + part, s * 2.0), "add_at") == 0
    assert count(changed(s + part, part * 2.0), "add_at") == 0
    assert count(changed(s + part, s), "add_at") == 0
    assert count(changed(X + part), "add_at") == 0
    assert count(changed(part + part), "add_at") == 0
