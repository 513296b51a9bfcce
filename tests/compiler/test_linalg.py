"""Products of matrices: what the adjoints are made of, sizes 0 and 1, messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from array_texts import value_and_gradients
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.passes.expand import Expand
from autodiffc.compiler.types import Dim, Type, TypeProblem

N, D, H, K = (Dim.symbol(name) for name in "NDHK")


def real(name: str, *shape: Dim) -> Node:
    return ops.argument(name, Type("real", shape))


def adjoints(node: Node, *wrt: Node) -> list[Node]:
    """The cotangents of the wrt arguments for a cotangent `g`."""
    graph = Graph(tuple(wrt), (("y", node),))
    graph = differentiate(graph, "y", [w["name"] for w in wrt], ops.argument("g", node.type))
    return [graph.output(f"d_{w['name']}") for w in wrt]


def formula(node: Node) -> str:
    """A product as text: `(x.T @ g)`."""
    if node.op.name == "argument":
        return str(node["name"])
    parts = [formula(a) for a in node.args]
    if node.op.name == "matmul":
        return f"({parts[0]} @ {parts[1]})"
    if node.op.name == "transpose":
        return f"{parts[0]}.T"
    return f"{node.op.name}({', '.join(parts)})"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((N, D), (D, H), ["(g @ b.T)", "(a.T @ g)"]),
        ((N, D), (D,), ["outer(g, b)", "(a.T @ g)"]),
        ((N,), (N, D), ["(b @ g)", "outer(a, g)"]),
        ((N,), (N,), ["mul(g, b)", "mul(g, a)"]),
        ((K, N, D), (K, D, H), ["(g @ b.T)", "(a.T @ g)"]),
        ((K, N, D), (D, H), ["(g @ b.T)", "(reshape(a).T @ reshape(g))"]),
    ],
)
def test_adjoints_of_a_product(a: tuple[Dim, ...], b: tuple[Dim, ...], expected: list[str]) -> None:
    x, y = real("a", *a), real("b", *b)
    assert [formula(d) for d in adjoints(x @ y, x, y)] == expected


def test_adjoints_of_an_outer_product() -> None:
    a, b = real("a", N), real("b", D)
    assert [formula(d) for d in adjoints(ops.outer(a, b), a, b)] == ["(g @ b)", "(g.T @ a)"]


@pytest.mark.parametrize(
    ("spec", "shapes", "expected"),
    [
        ("ij,jk->ik", ((N, D), (D, H)), "(a0 @ a1)"),
        ("ij,kj->ik", ((N, D), (H, D)), "(a0 @ a1.T)"),
        ("ij,jk->ki", ((N, D), (D, H)), "(a0 @ a1).T"),
        ("ij,j->i", ((N, D), (D,)), "(a0 @ a1)"),
        ("i,i->", ((N,), (N,)), "(a0 @ a1)"),
        ("bij,bjk->bik", ((K, N, D), (K, D, H)), "(a0 @ a1)"),
        ("ij,ij->i", ((N, D), (N, D)), "contract(a0, a1)"),
        ("ij,ij->", ((N, D), (N, D)), "contract(a0, a1)"),
        ("ij,kl->ik", ((N, D), (H, K)), "mul(reshape(sum(a0)), sum(a1))"),
        ("ij,kjl->ik", ((N, D), (H, D, K)), "(a0 @ sum(a1).T)"),
        ("ji,kj->jki", ((N, D), (H, N)), "mul(reshape(a0), reshape(a1.T))"),
        ("ir,jr,kr->ijk", ((N, D), (H, D), (K, D)), "reshape((a0 @ reshape(mul(reshape(a1), a2)).T))"),
        ("ij,jk,kl->il", ((N, D), (D, H), (H, K)), "(a0 @ (a1 @ a2))"),
        ("ii,i->i", ((N, N), (N,)), "contract(a0, a1)"),
        ("i,j->ij", ((N,), (D,)), "mul(reshape(a0), a1)"),
        ("ijk,jkl->il", ((N, D, H), (D, H, K)), "(reshape(a0) @ reshape(a1))"),
        ("ijk,kl->lij", ((N, D, H), (H, K)), "reshape((reshape(a0) @ a1)).T"),
        ("bqhd,bkhd->bhqk", ((N, D, H, K), (N, D, H, K)), "(a0.T @ a1.T)"),
        ("ij->ji", ((N, D),), "a0.T"),
        ("ii->i", ((N, N),), "diagonal(a0)"),
        ("iij->ij", ((N, N, D),), "contract(a0)"),
    ],
)
def test_an_einsum_that_is_a_product_becomes_one(spec: str, shapes: Any, expected: str) -> None:
    operands = tuple(real(f"a{k}", *shape) for k, shape in enumerate(shapes))
    graph = Expand().run(Graph(operands, (("y", ops.einsum(*operands, spec=spec)),)))
    assert formula(graph.output("y")) == expected


def test_a_diagonal_that_einsum_picked_lets_no_nan_off_it() -> None:
    x = np.array([[1.0, np.inf], [np.inf, 2.0]])
    found, (gradient,) = value_and_gradients(
        lambda a: ops.einsum(a, spec="ii->i"), x, cotangent=[np.inf, 3.0]
    )
    np.testing.assert_array_equal(found, [1.0, 2.0])
    np.testing.assert_array_equal(gradient, [[np.inf, 0.0], [0.0, 3.0]])


@pytest.mark.parametrize(
    ("a", "b"),
    [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((1, 1), (1, 1)), ((0,), (0,)), ((3, 0), (0,)), ((2, 0, 3), (3, 1))],
)
def test_products_of_sizes_0_and_1(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    found, (da, db) = value_and_gradients(ops.matmul, np.ones(a), np.ones(b))
    np.testing.assert_array_equal(found, np.ones(a) @ np.ones(b))
    assert (da.shape, db.shape) == (a, b)


def test_trace_reaches_the_diagonal_alone() -> None:
    _, (gradient,) = value_and_gradients(ops.trace, np.zeros((2, 3)), cotangent=np.inf)
    np.testing.assert_array_equal(gradient, [[np.inf, 0.0, 0.0], [0.0, np.inf, 0.0]])


@pytest.mark.parametrize(
    ("build", "code", "message"),
    [
        (lambda: real("a", N, D) @ real("b", H, K), "E0203", "real[N, D] @ real[H, K]: D is not H"),
        (lambda: real("a", N, D) @ real("b", H), "E0203", "real[N, D] @ real[H]: D is not H"),
        (lambda: real("a", N, N, D) @ real("b", K, D, H), "E0203", "@ real[K, D, H]: N is not K"),
        (lambda: real("a", N) @ real("b"), "E0203", "a scalar is no matrix"),
        (lambda: ops.outer(real("a", N, D), real("b", D)), "E0203", "outer takes two vectors"),
        (lambda: ops.einsum(real("a", N, D), real("b", N), spec="ij,j->i"), "E0203", "j is both D and N"),
        (lambda: ops.einsum(real("a", N, D), spec="ijk->i"), "E0203", "names 3 axes of [N, D]"),
        (lambda: ops.det(real("a", N)), "E0203", "det takes a square matrix, not real[N]"),
        (lambda: ops.inv(real("a", N, D)), "E0203", "inv takes a square matrix, not real[N, D]: N is not D"),
        (lambda: ops.cholesky(real("a", K, N, D)), "E0203", "not real[K, N, D]: N is not D"),
        (
            lambda: ops.solve(real("a", N, N), real("b", D)),
            "E0203",
            "solve of real[N, N] and real[D]: N is not D",
        ),
        (
            lambda: ops.solve(real("a", N, N), real("b")),
            "E0203",
            "the right-hand side is a vector or a matrix",
        ),
        (lambda: ops.solve(real("a", K, N, N), real("b", D, N, H)), "E0203", "real[D, N, H]: K is not D"),
        (lambda: ops.solve(real("a", N, N), real("b", N, K, D)), "E0203", "real[N, K, D]: N is not K"),
    ],
)
def test_problem(build: Any, code: str, message: str) -> None:
    with pytest.raises(TypeProblem) as problem:
        build()
    assert problem.value.code == code
    assert message in str(problem.value)
