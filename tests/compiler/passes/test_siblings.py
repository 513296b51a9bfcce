"""Neighbouring parts of arrays through the same op: what is computed together, and that the values stay."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.indexing import whole
from autodiffc.compiler.passes.siblings import Siblings
from autodiffc.compiler.types import INT, Dim, Type
from autodiffc.compiler.verify import verify

B, H = Dim.symbol("B"), Dim.symbol("H")
SIZES = {"B": 3, "H": 5}
Z = ops.argument("z", Type("real", (B, 4 * H)))
W = ops.argument("W", Type("real", (Dim.of(6), B, H)))
Y = ops.argument("y", Type("real", (H,)))
C = ops.argument("c", Type("real", (B, H)))
I = ops.argument("i", INT)


def columns(start: Dim | int, length: Dim | int, of: Node = Z) -> Node:
    """z[:, start:start + length]"""
    item = ("slice", Dim.of(start) if isinstance(start, int) else start, length, 1)
    return ops.getitem(of, index=(whole(B), item))


def element(position: int, of: Node = W) -> Node:
    """W[position]"""
    return ops.getitem(of, index=(("at", Dim.of(position)), *map(whole, of.shape[1:])))


def together(*nodes: Node) -> Graph:
    """The graph that gives these nodes, after the pass; with the same values."""
    outputs = tuple((f"r{n}", node) for n, node in enumerate(nodes))
    before = Graph((Z, W, Y, C, I), outputs)
    after = Siblings().run(before)
    verify(after, "siblings")
    rng = np.random.default_rng(len(nodes))
    given: dict[str, Any] = {"z": rng.normal(size=(3, 20)), "W": rng.normal(size=(6, 3, 5)), "i": 1}
    given |= {"y": rng.normal(size=5), "c": rng.normal(size=(3, 5))}
    old, new = evaluate(before, given, SIZES), evaluate(after, given, SIZES)
    for name in old:
        np.testing.assert_array_equal(old[name], new[name])
    return after


def count(graph: Graph, name: str) -> int:
    return sum(node.op.name == name for node in graph.nodes())


def test_slices_that_follow_one_another_are_one_call() -> None:
    graph = together(*(ops.sigmoid(columns(H * k, H)) for k in (1, 0, 3)))
    assert count(graph, "sigmoid") == 2


def test_elements_at_equal_distances_are_one_call() -> None:
    graph = together(*(ops.sigmoid(Y * element(k)) for k in (0, 2, 4)))
    assert (count(graph, "mul"), count(graph, "sigmoid")) == (1, 1)


def test_elements_at_other_distances_are_two() -> None:
    graph = together(*(Y * element(k) for k in (0, 1, 3, 5)))
    assert count(graph, "mul") == 2


def test_parts_go_on_together_as_long_as_their_ops_agree() -> None:
    sums = [element(k) * Y + element(k + 1) for k in (0, 2)]
    graph = together(ops.sigmoid(sums[0]), ops.tanh(sums[1]))
    assert (count(graph, "mul"), count(graph, "add"), count(graph, "tanh")) == (1, 2, 1)
    graph = together(ops.sigmoid(Y * element(1)), ops.tanh(Y * element(3)), ops.tanh(Y * element(5)))
    assert (count(graph, "mul"), count(graph, "tanh"), count(graph, "sigmoid")) == (1, 1, 1)


def test_some_of_what_was_computed_together_may_go_on_together() -> None:
    products = [Y * element(k) for k in (0, 2, 4)]
    graph = together(products[0], *(ops.exp(p) for p in products[1:]))
    assert (count(graph, "mul"), count(graph, "exp")) == (1, 1)


def test_where_they_are_read_by_a_number_of_a_loop() -> None:
    index = (("array", 0), whole(B), ("slice", Dim.of(0), H, 1))
    other = (("array", 0), whole(B), ("slice", H, H, 1))
    wide = ops.argument("V", Type("real", (Dim.of(2), B, 2 * H)))
    parts = [ops.exp(ops.gather(wide, I, index=at)) for at in (index, other)]
    before = Graph((wide, I), (("a", parts[0]), ("b", parts[1])))
    after = Siblings().run(before)
    verify(after, "siblings")
    given = {"V": np.random.default_rng(0).normal(size=(2, 3, 10)), "i": 1}
    for name, value in evaluate(before, given, SIZES).items():
        np.testing.assert_array_equal(value, evaluate(after, given, SIZES)[name])
    assert count(after, "exp") == 1


@pytest.mark.parametrize(
    "nodes",
    [
        (columns(0, H) * 2.0, columns(H, H) * 2.0),  # cheap, and not in one piece
        (ops.exp(columns(0, H)), ops.exp(columns(2 * H, H))),  # not neighbours
        (ops.exp(columns(0, H) * C), ops.exp(columns(H, H) * C)),  # the same factor for both
        (ops.exp(columns(0, H)), ops.sin(columns(H, H))),
        (element(0) * Y, element(1) * C),
        (element(0) - Y, Y - element(1)),
        (ops.exp(element(0) * element(1)), ops.exp(element(2) * element(4))),
    ],
)
def test_what_stays_apart(nodes: Sequence[Node]) -> None:
    before = Graph((Z, W, Y, C, I), tuple((f"r{n}", node) for n, node in enumerate(nodes)))
    assert Siblings().run(before) is before


def test_small_arrays_of_known_size_are_left_to_be_numbers() -> None:
    x = ops.argument("x", Type("real", (Dim.of(4), Dim.of(3))))
    before = Graph((x,), (("a", ops.exp(element(0, x))), ("b", ops.exp(element(1, x)))))
    assert Siblings().run(before) is before


@pytest.mark.parametrize("seed", range(20))
def test_random_ops_on_parts(seed: int) -> None:
    random = Random(seed)
    nodes = [element(k) for k in range(6)] + [columns(H * k, H) for k in range(4)] + [columns(0, 2 * H)]
    for _ in range(30):
        a = random.choice(nodes)
        fits = [n for n in nodes if n.shape == a.shape] + [Y] * (a.shape[-1] == H)
        unary = [ops.tanh, ops.sigmoid, ops.square, ops.neg]
        binary = [ops.add, ops.mul, ops.sub]
        nodes.append(
            random.choice(unary)(a)
            if random.random() < 0.5
            else random.choice(binary)(a, random.choice(fits))
        )
    together(*nodes[11:])


MODEL = """
dim T, B, H
input x: real[T, B, 3*H]
param U: real[H, 3*H]
param W: real[4, H]
h = zeros(B, H)
for t in range(T):
    z = x[t] + h @ U
    r, u = sigmoid(z[:, :H] * W[0]), sigmoid(z[:, H:2*H] * W[1])
    p, q = tanh(h[0] * W[2]), tanh(h[0] * W[3])
    h = r * tanh(z[:, 2*H:]) + u * h + p * q
loss L = mean(h**2)
"""


@pytest.mark.parametrize("sizes", [(0, 2, 3), (1, 1, 1), (4, 2, 5)])
def test_all_levels_agree(sizes: tuple[int, int, int]) -> None:
    T, batch, hidden = sizes
    rng = np.random.default_rng(7)
    x, U = rng.normal(size=(T, batch, 3 * hidden)), rng.normal(size=(hidden, 3 * hidden))
    W = rng.normal(size=(4, hidden))
    results = [
        module_of(autodiffc.compile(MODEL, level=k), f"s{k}").value_and_grad(x, U, W) for k in range(3)
    ]
    for value, grads in results[1:]:
        np.testing.assert_allclose(value, results[0][0], rtol=1e-13)
        for got, expected in zip(grads, results[0][1]):
            np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-13)
