"""Products and sums of what repeats its elements: done once, with the values of those of whole arrays."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of, program_of
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.shape import swap_last
from autodiffc.compiler.passes.rules.spread import product_of_equals, sum_of_equals
from autodiffc.compiler.types import Dim, Type
from autodiffc.compiler.verify import verify
from autodiffc.grammar.source import Source
from drawn import drawn_arguments

B, N, K, M = map(Dim.symbol, "BNKM")
SIZES = {"B": 4, "N": 5, "K": 3, "M": 2}
ONE = Dim.of(1)
Shape = tuple[Dim, ...]


def drawn(*nodes: Node) -> dict[str, Any]:
    rng = np.random.default_rng(len(nodes))
    return {n["name"]: rng.normal(size=[d.evaluate(SIZES) for d in n.shape]) for n in nodes}


def agrees(new: Node, old: Node, *inputs: Node) -> None:
    """The same values."""
    graphs = [Graph(inputs, (("y", node),)) for node in (new, old)]
    verify(graphs[0], "spread")
    values = [evaluate(graph, drawn(*inputs), SIZES)["y"] for graph in graphs]
    assert new.type == old.type
    np.testing.assert_allclose(*values, rtol=1e-12)


def repeating(shape: Shape) -> list[Shape]:
    """The shapes that broadcast to this one, all of whose axes have length 1 or are missing."""
    choices = [dict.fromkeys(((ONE,), (d,))) for d in shape]
    found = [tuple(d for part in parts for d in part) for parts in product(*choices)]
    return [s for s in found if s != shape] + [shape[1:]]


def factor(core: Shape, shape: Shape, merged: Shape = (), turned: bool = False, order: Any = ()) -> Node:
    """An array that repeats another, whose axes are in another order, merged, then in another order."""
    node = ops.broadcast_to(ops.argument("v", Type("real", core)), shape=shape)
    node = ops.transpose(node, axes=order) if order else node
    node = ops.reshape(node, shape=merged) if merged else node
    return ops.transpose(node, axes=(1, 0)) if turned else node


def flipped(x: Node) -> Node:
    """Matrices transposed, and once only."""
    swapped = (*range(x.rank - 2), x.rank - 1, x.rank - 2)
    return x.args[0] if x.op is ops.transpose and x["axes"] == swapped else swap_last(x)


X = ops.argument("x", Type("real", (M, N)))
STACK = ops.argument("x", Type("real", (B, M, N)))
ROWS = ops.argument("x", Type("real", (M, B * N)))
COLUMNS = ops.argument("x", Type("real", (K, M)))
PRODUCTS = [
    *((X, factor(core, (N, K))) for core in repeating((N, K))),
    *((COLUMNS, factor(core, (N, K))) for core in repeating((N, K))),
    *((X, factor(core, (B, N, K))) for core in repeating((B, N, K))),
    *((STACK, factor(core, (B, N, K))) for core in repeating((B, N, K))),
    *((ROWS, factor(core, (B, N, K), (B * N, K))) for core in repeating((B, N, K))),
    *((COLUMNS, factor(core, (B, N, K), (B * N, K))) for core in repeating((B, N, K))),
    *((ROWS, factor(core, (K, B, N), (K, B * N), True)) for core in repeating((K, B, N))),
    *((ROWS, factor(core, (B, K, N), (K, B * N), True, (1, 0, 2))) for core in repeating((B, K, N))),
    (X, factor((), (N, K))),
    (STACK, factor((), (B, N, K))),
]  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("x", "y"), PRODUCTS)
def test_a_product_of_equals(x: Node, y: Node, turned: bool) -> None:
    left, right = (x, y) if x.shape[-1] == y.shape[-2] else (y, x)
    if turned:
        left, right = map(flipped, (right, left))
    old = ops.matmul(left, right)
    new = product_of_equals(old)
    v = next(n for n in Graph((), (("y", y),)).nodes() if n.op.name == "argument")
    if new is None:  # each matrix of a stack has one of its own
        assert prod(d.evaluate(SIZES) for d in v.shape) == prod(d.evaluate(SIZES) for d in y.shape[-2:])
    else:
        agrees(new, old, x, v)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [(0,), (1,), (2,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("core", [(), *repeating((B, N, K))])
def test_a_sum_of_equals(core: Shape, axis: tuple[int, ...], keepdims: bool) -> None:
    v = ops.argument("v", Type("real", core))
    old = ops.sum(ops.broadcast_to(v, shape=(B, N, K)), axis=axis, keepdims=keepdims)
    new = sum_of_equals(old)
    whole = (*(ONE,) * (3 - len(core)), *core)
    assert (new is None) == all(whole[a] != ONE for a in axis)
    if new is not None:
        agrees(new, old, v)


ROW = "dim N, D, K\ninput x: real[N, D]\nparam W: real[D, K]\nz = x @ W\n"
STEPS = "dim B, T, D\ninput x: real[B, T, D]\nparam W, U: real[D, D]\nz = x @ W\n"
IMAGE = "dim B\ninput x: real[B, 2, 5, 5]\nparam w: real[3, 2, 3, 3]\ny = conv2d(x, w, padding=1)\n"
MODELS = (
    f"{ROW}loss L = sum(tanh(sum(z, axis=1)))",
    f"{ROW}loss L = sum(tanh(mean(z, axis=0)))",
    f"{ROW}param b: real[K]\nloss L = sum(tanh(broadcast_to(b, N, K) @ W.T)) + sum(z)",
    f"{ROW}param g: real\nloss L = sum((g * ones(N, D)) @ W) + sum(tanh(ones(N, K) @ W.T))",
    f"{STEPS}loss L = sum(tanh(mean(z @ U, axis=1))**2)",
    f"{STEPS}param q: real[D]\nb = broadcast_to(q, B, T, D) @ U\nloss L = sum(tanh(b * z))",
    f"{STEPS}param c: real[T, T]\nloss L = sum(tanh(sum(c @ z, axis=0)))",
    f"{STEPS}m = broadcast_to(sum(z, axis=2, keepdims=true), B, T, D)\nloss L = sum(tanh(m @ U))",
    f"{STEPS}loss L = sum(tanh(einsum('btd,bse->bd', x, z)))",
    f"{IMAGE}loss L = sum(tanh(mean(y, axis=(2, 3)))**2)",
    f"{IMAGE}param v: real[2, 3, 3, 3]\nloss L = sum(tanh(mean(conv2d(tanh(y), v), axis=(2, 3)))**2)",
)


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("text", MODELS)
def test_gradients_stay(text: str, level: int) -> None:
    program = program_of(Source("m.dsl", f"{text}\n"))
    given = drawn_arguments(program, {"N": 4, "D": 3, "K": 5, "B": 2, "T": 3}, 0, 0.9)
    (plain, expected), (value, grads) = (
        module_of(autodiffc.compile(f"{text}\n", level=at), "m").value_and_grad(**given) for at in (0, level)
    )
    assert value == pytest.approx(plain, rel=1e-12)
    for one, other in zip(grads, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)
