"""Ops that move elements: texts as one would write them, adjoints at rims, messages in the model's dims."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from array_texts import value_and_gradients
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Node
from autodiffc.compiler.types import Dim, Type, TypeProblem

N, D, K = Dim.symbol("N"), Dim.symbol("D"), Dim.symbol("K")
ONE, ZERO = Dim.of(1), Dim.of(0)


def real(*shape: Dim) -> Node:
    return ops.argument("x", Type("real", shape))


def text_of(node: Node) -> str:
    template = node.op.py
    return template if isinstance(template, str) else template(node, str)


V, X, T = real(N), real(N, D), real(N, D, K)


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (ops.reshape(X, shape=(N, ONE, D)), "x[:, None]"),
        (ops.reshape(X, shape=(N, D, ONE)), "x[:, :, None]"),
        (ops.reshape(real(N, ONE), shape=(N,)), "x[:, 0]"),
        (ops.reshape(real(ONE, N), shape=(N,)), "x[0]"),
        (ops.reshape(X, shape=(N * D,)), "x.ravel()"),
        (ops.reshape(X, shape=(D, N)), "x.reshape(D, N)"),
        (ops.reshape(real(N * D), shape=(N, D)), "x.reshape(N, D)"),
        (ops.reshape(real(ONE), shape=()), "x.item()"),
        (ops.transpose(X, axes=(1, 0)), "x.T"),
        (ops.transpose(T, axes=(0, 2, 1)), "x.swapaxes(-2, -1)"),
        (ops.transpose(T, axes=(1, 2, 0)), "x.transpose(1, 2, 0)"),
        (ops.transpose(T, axes=(2, 1, 0)), "x.T"),
        (ops.broadcast_to(V, shape=(K, N)), "np.broadcast_to(x, (K, N))"),
        (ops.broadcast_to(real(), shape=(N,)), "np.full(N, x, _REAL)"),
        (ops.broadcast_to(ops.const(0.0), shape=(N, D)), "np.zeros((N, D), _REAL)"),
        (ops.broadcast_to(ops.const(1.0), shape=(N, D)), "np.ones((N, D), _REAL)"),
        (ops.broadcast_to(ops.const(2), shape=(N,)), "np.full(N, x, np.int64)"),
        (ops.concatenate(X, X, axis=0), "np.concatenate((x0, x1))"),
        (ops.concatenate(X, X, axis=1), "np.concatenate((x0, x1), axis=1)"),
        (ops.stack(V, V, axis=1), "np.stack((x0, x1), axis=1)"),
        (ops.stack(real(), real(), axis=0), "np.array([x0, x1], _REAL)"),
        (ops.flip(X, axis=(1,)), "x[:, ::-1]"),
        (ops.roll(V, shift=(ONE,), axis=(0,)), "np.roll(x, 1)"),
        (ops.roll(X, shift=(-K,), axis=(1,)), "np.roll(x, -K, axis=1)"),
        (ops.repeat(V, repeats=K, axis=0), "np.repeat(x, K)"),
        (ops.tile(X, reps=(ONE, K)), "np.tile(x, (1, K))"),
        (ops.pad(X, widths=((ONE, ONE), (ONE, ONE)), mode="constant", value=0.0), "np.pad(x, 1)"),
        (ops.pad(V, widths=((K, ZERO),), mode="edge", value=0.0), 'np.pad(x, ((K, 0),), mode="edge")'),
        (ops.pad(V, widths=((ONE, ONE),), mode="constant", value=float("-inf")),
         "np.pad(x, 1, constant_values=-np.inf)"),
        (ops.sum(X, axis=(0, 1), keepdims=False), "x.sum()"),
        (ops.sum(X, axis=(1,), keepdims=True), "x.sum(axis=1, keepdims=True)"),
        (ops.mean(T, axis=(0, 2), keepdims=False), "x.mean(axis=(0, 2))"),
        (ops.arange(start=ZERO, step=1, count=N), "np.arange(N)"),
        (ops.arange(start=ONE, step=2, count=N), "np.arange(1, 2*N + 1, 2)"),
        (ops.eye(n=N, m=N, k=0), "np.eye(N, dtype=_REAL)"),
        (ops.eye(n=N, m=D, k=1), "np.eye(N, D, k=1, dtype=_REAL)"),
        (ops.tril(X, k=0), "np.tril(x)"),
        (ops.triu(X, k=-1), "np.triu(x, -1)"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_text(node: Node, text: str) -> None:
    assert text_of(node) == text


@pytest.mark.parametrize(
    ("mode", "slope"),
    [
        ("constant", [1, 1, 1]),
        ("reflect", [1, 3, 1]),
        ("edge", [2, 1, 2]),
        ("symmetric", [2, 1, 2]),
        ("wrap", [2, 1, 2]),
    ],
)
def test_a_rim_adds_to_what_it_was_taken_from(mode: str, slope: Any) -> None:
    found, (gradient,) = value_and_gradients(
        lambda x: ops.pad(x, widths=((ONE, ONE),), mode=mode, value=0.0), np.array([1.0, 2.0, 3.0])
    )
    np.testing.assert_array_equal(found, np.pad([1.0, 2.0, 3.0], 1, mode=mode))  # type: ignore[call-overload]
    np.testing.assert_array_equal(gradient, slope)


@pytest.mark.parametrize("mode", ["reflect", "symmetric", "wrap", "edge"])
def test_a_rim_wider_than_the_array(mode: str) -> None:
    x = np.array([1.0, 2.0, 4.0])
    found, (gradient,) = value_and_gradients(
        lambda x: ops.pad(x, widths=((Dim.of(7), Dim.of(5)),), mode=mode, value=0.0), x
    )
    assert gradient @ x == found.sum()


def test_triangles_let_no_nan_through() -> None:
    x, cotangent = np.array([[1.0, np.nan], [2.0, 3.0]]), [[1.0, np.nan], [1.0, 1.0]]
    found, (gradient,) = value_and_gradients(lambda x: ops.tril(x, k=0), x, cotangent=cotangent)
    np.testing.assert_array_equal(found, [[1.0, 0.0], [2.0, 3.0]])
    np.testing.assert_array_equal(gradient, [[1.0, 0.0], [1.0, 1.0]])


def test_sizes_of_0() -> None:
    for build in (
        lambda x: ops.concatenate(x, x, axis=0),
        lambda x: ops.stack(x, x, axis=0),
        lambda x: ops.repeat(x, repeats=Dim.of(2), axis=0),
        lambda x: ops.repeat(x, repeats=ZERO, axis=1),
        lambda x: ops.tile(x, reps=(Dim.of(2), ONE)),
        lambda x: ops.flip(x, axis=(0, 1)),
        lambda x: ops.roll(x, shift=(ONE,), axis=(0,)),
        lambda x: ops.pad(x, widths=((ONE, ZERO), (ZERO, ONE)), mode="constant", value=1.0),
        lambda x: ops.cumsum(x, axis=0),
        lambda x: ops.cumprod(x, axis=1),
    ):
        found, (gradient,) = value_and_gradients(build, np.zeros((0, 3)))
        assert gradient.shape == (0, 3)
        assert not found.size or set(found.ravel()) == {1.0}


@pytest.mark.parametrize(
    ("build", "code", "message"),
    [
        (lambda: ops.reshape(X, shape=(N, K)), "E0203", "real[N, D] to [N, K]: D*N is not K*N"),
        (lambda: ops.broadcast_to(X, shape=(N, K)), "E0203", "not broadcast to [N, K]: D is not K"),
        (lambda: ops.concatenate(X, real(N, K), axis=0), "E0203", "D is not K"),
        (lambda: ops.concatenate(X, V, axis=0), "E0203", "concatenate of real[N, D] and real[N]"),
        (lambda: ops.stack(X, V, axis=0), "E0203", "stack of real[N, D] and real[N]"),
        (lambda: ops.transpose(X, axes=(0, 0)), "E0207", "axes (0, 0)"),
        (lambda: ops.flip(X, axis=(2,)), "E0207", "axis 2 of an array of 2 dims"),
        (lambda: ops.cumsum(V, axis=1), "E0207", "axis 1 of an array of 1 dims"),
        (lambda: ops.tril(V, k=0), "E0203", "tril takes a matrix, not real[N]"),
        (lambda: ops.trace(T), "E0203", "trace takes a matrix"),
        (lambda: ops.diag(X, k=0), "E0203", "diag takes a vector"),
        (lambda: ops.pad(real(ZERO), widths=((ONE, ONE),), mode="edge", value=0.0), "E0203", "no element"),
    ],
)
def test_problem(build: Any, code: str, message: str) -> None:
    with pytest.raises(TypeProblem) as problem:
        build()
    assert problem.value.code == code
    assert message in str(problem.value)
