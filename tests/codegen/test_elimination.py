"""An array that loops in loops change by elements: the adjoint changes elements too, and copies nothing.

for k in range(n):
    for i in range(k + 1, n):
        f = U[i, k] / U[k, k]
        for j in range(n):
            U[i, j] -= f * U[k, j]          # d_U[k, k] += …, d_U[i, k] += …, never d_U + zeros((n, n))
"""

from __future__ import annotations

from pathlib import Path

import autodiffc
import numpy as np
import pytest

ELIMINATION = """
dim n
param A: real[n, n]
U = 1.0 * A
for k in range(n):
    for i in range(k + 1, n):
        f = U[i, k] / U[k, k]
        for j in range(n):
            U[i, j] -= f * U[k, j]
loss L = sum(log(abs(U[k, k])) for k in range(n))
"""


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_gradient_of_a_log_determinant_is_the_inverse(level: int, tmp_path: Path) -> None:
    path = tmp_path / "elimination.dsl"
    path.write_text(ELIMINATION)
    module = autodiffc.load(path, level=level)
    A = np.random.default_rng(0).normal(size=(5, 5)) + 3 * np.eye(5)
    value, grads = module.value_and_grad(A)
    np.testing.assert_allclose(value, np.linalg.slogdet(A)[1], rtol=1e-13)
    np.testing.assert_allclose(grads.A, np.linalg.inv(A).T, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("level", [1, 2])
def test_no_step_makes_a_matrix(level: int) -> None:
    """Its work would grow by the fifth power of n, not the third."""
    text = autodiffc.compile(ELIMINATION, level=level)
    function = text[text.index("def value_and_grad") : text.index("def grad")]
    in_loops = [line for line in function.splitlines() if line.startswith(" " * 12)]
    assert in_loops
    assert not [line for line in in_loops if "zeros" in line]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_loop_counts_what_the_model_counts(level: int) -> None:
    """Also where n - k - 1, how long the inner loop is, occurs more often than k."""
    text = autodiffc.compile(ELIMINATION, level=level)
    forward = text[text.index("def value_and_grad") : text.index("# adjoint of")]
    assert "    for k in range(n):\n" in forward
    assert "        for i in range(k + 1, " in forward
