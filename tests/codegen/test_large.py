"""Products with a transposed matrix in loops: of a large one they are computed the other way round."""

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
