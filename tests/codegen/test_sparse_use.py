"""Sparse functions as they are called: colourings that are kept, lists for arrays, bands of any width."""

from __future__ import annotations

import re

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of

GRAPH = """
dim N, E
input i, j: int[E] in range(N)
param x: real[N]
output r = sin(x[j] - x[i])
grad r wrt x
"""
I, J, X = np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([0.3, -1.0, 0.5, 2.0])
OTHERS = "colouring: made of other sizes or ints than those of the arguments"


def test_a_kept_colouring_serves_what_it_was_made_of() -> None:
    m = module_of(autodiffc.compile(GRAPH, emit=["jacobian"]), "model")
    given = I.copy()
    kept = m.jacobian_colouring(given, J.tolist(), N=4)
    expected = m.sparse_jacobian(I, J, X)
    np.testing.assert_array_equal(m.sparse_jacobian(I, J, X, colouring=kept).values, expected.values)
    given[:] = 3  # it is the colouring of what it was given, whatever becomes of that
    with pytest.raises(ValueError, match=OTHERS):
        m.sparse_jacobian(given, J, X, colouring=kept)


@pytest.mark.parametrize(
    ("i", "j", "x"), [(J, I, X), (I[:2], J[:2], X), (I, J, np.append(X, 1.0))], ids=["ints", "edges", "nodes"]
)
def test_a_colouring_of_something_else_is_refused(i: np.ndarray, j: np.ndarray, x: np.ndarray) -> None:
    m = module_of(autodiffc.compile(GRAPH, emit=["jacobian"]), "model")
    kept = m.jacobian_colouring(I, J, N=4)
    with pytest.raises(ValueError, match=OTHERS):
        m.jacobian_csr(i, j, x, colouring=kept)


def test_what_is_no_colouring_is_refused() -> None:
    text = "param x: real[4]\nloss L = sum(x[1:]**2 * x[:-1])\n"
    m = module_of(autodiffc.compile(text, emit=["hessian"]), "model")
    expected = re.escape("colouring: expected a Colouring of this module, got tuple")
    with pytest.raises(TypeError, match=expected):
        m.sparse_hessian(X, colouring=m.HESSIAN_SPARSITY)
    kept = m.hessian_colouring()
    assert m.sparse_hessian(X, colouring=kept).values.shape == kept.rows.shape


@pytest.mark.parametrize("width", [3, 7, 13, 25])
def test_bands_are_told_from_full_rows(width: int) -> None:
    terms = " + ".join(f"roll(x, {k}, 0)**2" for k in range(width))
    text = f"dim N\nparam x: real[N]\noutput y = {terms}\ngrad y wrt x\n"
    m = module_of(autodiffc.compile(text, emit=["jacobian"]), "model")
    assert len(m.jacobian_sparsity(N=400)[0]) == 400 * width


@pytest.mark.parametrize("emit", ["jacobian", "hessian"])
@pytest.mark.parametrize("size", [0, 1, 2])
def test_small_sizes_that_the_compiler_knows(emit: str, size: int) -> None:
    last = "loss L = sum(y)" if emit == "hessian" else "grad y wrt x"
    text = f"dim N\nparam x: real[N]\noutput y = x**2 * x[::-1]\n{last}\n"
    known = module_of(autodiffc.compile(text, emit=emit, dims={"N": size}), "model")
    unknown = module_of(autodiffc.compile(text, emit=emit), "model")
    for found, expected in zip(getattr(known, emit)(X[:size]), getattr(unknown, emit)(X[:size])):
        np.testing.assert_array_equal(found, expected)


CHOICES = """
dim N
input x: real[N]
param w: real[N]
param b: real
z = (w * x) if b > 0 else (w / 2.0)
y = sqrt(z * z + b * b) if sum(x) > 100 else z**3 * b
s = 0.0
i = 0
while s < 3.0 and i < 6 max 10:
    s = s + 0.5 + w[0] * 0.1
    i = i + 1
loss L = sum(y) * s
"""


def test_the_pattern_is_the_same_at_every_level() -> None:
    """What a module has does not depend on how its code is written."""
    patterns = []
    for level in (0, 1, 2):
        m = module_of(autodiffc.compile(CHOICES, level=level, emit=["hessian"]), f"choices{level}")
        patterns.append(m.hessian_sparsity(N=4))
        w = np.array([0.5, -1.0, 2.0, 0.1])
        np.testing.assert_allclose(m.hessian_csr(X, w, 0.9).toarray(), m.hessian(X, w, 0.9), rtol=1e-13)
    for other in patterns[1:]:
        np.testing.assert_array_equal(patterns[0], other)
