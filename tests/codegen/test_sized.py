"""Products with a transposed matrix in loops, and those of stacks: their form hangs on the sizes."""

from __future__ import annotations

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from autodiffc.codegen.routines_array import _times

RNG = np.random.default_rng(5)
MODEL = """
dim T, B, D, H
input x: real[T, B, D]
param W: real[D, 2*H]
param U: real[H, 2*H]
h = zeros(B, H)
for t in range(T):
    z = x[t] @ W + h @ U
    h = tanh(z[:, :H]) * sigmoid(z[:, H:])
loss L = sum(h**2)
"""


@pytest.mark.parametrize("columns", [(3,), (100,), (4, 3), (2, 100), (0, 2), (3, 0)])
@pytest.mark.parametrize("sizes", [(5, 4), (600, 300), (300, 600)])
def test_a_product_with_given_memory_and_without(sizes: tuple[int, int], columns: tuple[int, ...]) -> None:
    rows, inner = sizes
    *steps, last = columns
    b = RNG.normal(size=(*steps, inner, last))
    for a in (RNG.normal(size=sizes), RNG.normal(size=sizes[::-1]).T):
        out = np.full((*steps, rows, last), np.nan)
        assert _times(a, b, out=out) is out
        np.testing.assert_allclose(out, a @ b, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(_times(a, b), out)
        turned = np.ascontiguousarray(b.swapaxes(-2, -1)).swapaxes(-2, -1)
        np.testing.assert_allclose(_times(a, turned), a @ b, rtol=1e-12, atol=1e-12)
        by_columns = np.full((*steps, last, rows), np.nan).swapaxes(-2, -1)
        assert _times(a, b, out=by_columns) is by_columns
        np.testing.assert_allclose(by_columns, out, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sizes", [(3, 2, 4, 5), (2, 1, 300, 300), (0, 2, 3, 4)])
def test_models_with_large_and_small_matrices(sizes: tuple[int, int, int, int]) -> None:
    T, B, D, H = sizes
    x, W = RNG.normal(size=(T, B, D)), RNG.normal(size=(D, 2 * H)) / D**0.5
    U = RNG.normal(size=(H, 2 * H)) / H**0.5
    texts = [autodiffc.compile(MODEL, level=level) for level in (0, 2)]
    assert "_times(U.T, h, out=z)" in texts[1]
    modules = [module_of(text, f"m{k}") for k, text in enumerate(texts)]
    (value, grads), (other, others) = (module.value_and_grad(x, W, U) for module in modules)
    np.testing.assert_allclose(other, value, rtol=1e-12)
    for a, b in zip(grads, others):
        np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-13)
    outputs, cache = modules[1].forward(x, W, U)
    np.testing.assert_array_equal(outputs.L, other)
    for a, b in zip(others, modules[1].backward(cache)):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("columns", [3, 100, 1, 0])
@pytest.mark.parametrize("stack", [(7, 2, 3), (2, 60, 80), (2, 3, 4, 5), (0, 2, 3), (4, 0, 3), (4, 2, 0)])
def test_products_of_stacks(stack: tuple[int, ...], columns: int) -> None:
    a, b = RNG.normal(size=stack), RNG.normal(size=(stack[-1], columns))
    for other in (b, np.asfortranarray(b)):
        expected = np.matmul(a, other)
        np.testing.assert_allclose(_times(a, other), expected, rtol=1e-13, atol=1e-13)
        turned = np.full(expected.shape[::-1], np.nan).T
        for out in (np.full(expected.shape, np.nan), turned):
            assert _times(a, other, out=out) is out
            np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(_times(np.asfortranarray(a), other), expected, rtol=1e-13, atol=1e-13)


def test_what_is_known_of_small_matrices_is_written_as_one_product() -> None:
    text = "dim B, N, D, K\ninput x: real[B, N, D]\nparam W: real[D, K]\nloss L = sum((x @ W)**2)\n"
    small, large, unknown = (
        autodiffc.compile(text, level=2, dims=dims)
        for dims in ({"N": 4, "D": 3, "K": 3}, {"N": 64, "D": 64, "K": 64}, {"D": 3, "K": 3})
    )
    assert "x_rows.dot(W, " in small
    assert "np_matmul(x, W, " in large
    assert "_times(x, W, " in unknown
    assert "_times" not in small + large


VECTORS = """
dim A, B, N, D, K
input x: real[A, B, N, D]
param v: real[D]
param W: real[D, K]
param P: real[N, B, K]
y = x @ v
z = transpose(x, (0, 2, 1, 3)) @ W
loss L = sum(tanh(y)**2) + sum(tanh(z + P)) + sum(exp(sum(x * v, axis=3) / 9)) + sum(mean(z, axis=3)**2)
"""


@pytest.mark.parametrize("sizes", [(2, 3, 4, 5, 6), (1, 2, 30, 40, 50), (0, 2, 3, 4, 5), (2, 1, 0, 3, 4)])
def test_models_with_stacks(sizes: tuple[int, ...]) -> None:
    A, B, N, D, K = sizes
    x, v, W, P = (RNG.normal(size=size) for size in ((A, B, N, D), (D,), (D, K), (N, B, K)))
    emits: tuple[tuple[str, ...], ...] = ((), ("workspace",))
    texts = [autodiffc.compile(VECTORS, level=level, emit=emit) for level, emit in zip((0, 2), emits)]
    assert ".dot(v" in texts[1]
    plain, quick = (module_of(text, f"s{k}") for k, text in enumerate(texts))
    value, grads = plain.value_and_grad(x, v, W, P)
    for given in ({}, {"workspace": quick.Workspace(outputs=True)}):
        for _ in range(2):
            other, others = quick.value_and_grad(x, v, W, P, **given)
            np.testing.assert_allclose(other, value, rtol=1e-12)
            for a, b in zip(grads, others):
                np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-13)
