"""R24 to R26: inverses that are multiplied by and determinants under a logarithm, in several spellings each."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import autodiffc
import mpmath as mp
import numpy as np
import pytest
from autodiffc.api import module_of

LEVELS = (0, 1, 2)
SOLVE = ["inv(A) @ b", "matmul(inv(A), b)", "dot(inv(A), b)", "inv(A.T).T @ b", "-(-inv(A)) @ b",
         "b @ inv(A).T", "b @ inv(A.T)", "2 * inv(A) @ b / 2", "(inv(A) / 2) @ (2 * b)"]  # fmt: skip
SOLVE_FROM_THE_RIGHT = ["B @ inv(A)", "matmul(B, inv(A))", "(inv(A).T @ B.T).T", "(inv(A.T) @ B.T).T",
                        "-(B @ -inv(A))"]  # fmt: skip
LOG_ABS = ["log(abs(det(A)))", "0.5 * log(det(A)**2)", "log(abs(det(A.T)))",
           "-log(1 / abs(det(A)))", "log(sqrt(det(A)**2))"]  # fmt: skip
LOG = ["log(det(A))", "2 * log(sqrt(det(A)))", "log(det(A.T))", "-log(1 / det(A))", "-log(det(A)**-1)"]
SIGN = ["sign(det(A))", "sign(det(A.T))", "1 * sign(det(A))", "sign(1 * det(A))"]


def module(text: str, *inputs: str, wrt: str = "A", level: int = 1) -> ModuleType:
    dims = "N, K" if any("K" in i for i in inputs) else "N"
    lines = [f"dim {dims}", *(f"input {i}" for i in inputs), f"output f = {text}", f"grad f wrt {wrt}"]
    return module_of(autodiffc.compile("\n".join(lines) + "\n", level=level), "model")


def inverts(m: ModuleType) -> bool:
    """Whether a module has an inverse in it."""
    return any("inv" in f.__code__.co_names for f in (m.forward, m.backward))


def ill_conditioned(n: int, condition: float) -> Any:
    rng = np.random.default_rng(5)
    u, v = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    return (u * np.geomspace(1.0, 1.0 / condition, n)) @ v


def exact(A: Any, b: Any) -> Any:
    """The solution in 50 digits."""
    with mp.workdps(50):
        found = mp.lu_solve(mp.matrix(A.tolist()), mp.matrix(b.tolist()))
        return np.array([float(x) for x in found])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("text", SOLVE)
def test_an_inverse_times_a_vector_is_solved(text: str, level: int) -> None:
    A, b = ill_conditioned(30, 1e10), np.random.default_rng(1).normal(size=30)
    m = module(text, "A: real[N, N]", "b: real[N]", wrt="A, b", level=level)
    outputs, cache = m.forward(A, b)
    scale = np.linalg.norm(A, 2) * np.linalg.norm(outputs.f)
    assert np.linalg.norm(A @ outputs.f - b) <= 4 * 6e-17 * 30 * scale
    g = np.random.default_rng(2).normal(size=30)
    grads = m.backward(cache, g)
    assert np.linalg.norm(A.T @ grads.b - g) <= 4 * 6e-17 * 30 * np.linalg.norm(grads.b)
    z, y = exact(A, b), exact(A.T, g)
    np.testing.assert_allclose(outputs.f, z, rtol=0, atol=4 * 5e-8 * np.abs(z).max())
    np.testing.assert_allclose(grads.A, -np.outer(y, z), rtol=0, atol=8 * 5e-8 * np.abs(np.outer(y, z)).max())
    assert not inverts(m)


@pytest.mark.parametrize("text", SOLVE_FROM_THE_RIGHT)
def test_a_matrix_times_an_inverse_is_solved(text: str) -> None:
    A, B = ill_conditioned(20, 1e10), np.random.default_rng(1).normal(size=(3, 20))
    m = module(text, "A: real[N, N]", "B: real[K, N]", wrt="A, B")
    outputs, _ = m.forward(A, B)
    scale = np.linalg.norm(outputs.f)
    assert np.linalg.norm(outputs.f @ A - B) <= 4 * 6e-17 * 20 * scale
    assert not inverts(m)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("text", LOG_ABS)
def test_the_logarithm_of_a_determinant_that_no_double_holds(text: str, level: int) -> None:
    m = module(text, "A: real[N, N]", level=level)
    value, grads = m.value_and_grad(1e-3 * np.eye(400))
    assert value == pytest.approx(400 * np.log(1e-3), rel=1e-14) == pytest.approx(-2763.1021, abs=1e-4)
    np.testing.assert_allclose(grads.A, 1e3 * np.eye(400), rtol=1e-15)
    A = np.random.default_rng(0).normal(size=(400, 400))
    value, grads = m.value_and_grad(A)
    assert value == pytest.approx(np.linalg.slogdet(A)[1], rel=1e-15)
    assert m.forward(A)[0].f == m.predict(A).f == value
    np.testing.assert_allclose(grads.A @ A.T, np.eye(400), atol=1e-9)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("text", LOG)
def test_the_logarithm_keeps_its_domain(text: str, level: int) -> None:
    m = module(text, "A: real[N, N]", level=level)
    value, grads = m.value_and_grad(1e-3 * np.eye(400))
    assert value == pytest.approx(400 * np.log(1e-3), rel=1e-14)
    np.testing.assert_allclose(grads.A, 1e3 * np.eye(400), rtol=1e-15)
    value, grads = m.value_and_grad(np.diag([1.0, -2.0]))
    assert np.isnan(value)
    assert np.isnan(grads.A).all()
    singular = np.array([[1.0, 2.0], [2.0, 4.0]])
    outputs, cache = m.forward(singular)
    assert outputs.f == -np.inf
    with pytest.raises(np.linalg.LinAlgError):
        m.backward(cache)


@pytest.mark.parametrize("text", SIGN)
def test_the_sign_of_a_determinant_that_no_double_holds(text: str) -> None:
    m = module(text, "A: real[N, N]")
    value, grads = m.value_and_grad(1e-3 * np.eye(400))
    assert value == 1.0
    assert not grads.A.any()
    assert m.predict(-1e3 * np.eye(401)).f == -1.0
    assert m.predict(np.ones((3, 3))).f == 0.0


def test_batches() -> None:
    rng = np.random.default_rng(4)
    A, b = rng.normal(size=(5, 3, 3)) + 3 * np.eye(3), rng.normal(size=3)
    m = module("sum(inv(A) @ b) + sum(log(abs(det(A))))", "A: real[K, N, N]", "b: real[N]", wrt="A, b")
    value, grads = m.value_and_grad(A, b)
    assert value == pytest.approx((np.linalg.inv(A) @ b).sum() + np.linalg.slogdet(A)[1].sum(), rel=1e-13)
    back = np.linalg.inv(A).swapaxes(1, 2)
    expected = back - (back @ np.ones(3))[:, :, None] * (np.linalg.inv(A) @ b)[:, None, :]
    np.testing.assert_allclose(grads.A, expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(grads.b, (back @ np.ones(3)).sum(0), rtol=1e-12)


@pytest.mark.parametrize(
    "text",
    ["2 * log(prod(diag(cholesky(A))))", "2 * sum(log(diag(cholesky(A))))",
     "2 * log(prod(diag(cholesky(A, upper=true))))", "2 * log(prod(diag(cholesky(A).T)))"],
)  # fmt: skip
def test_the_diagonal_of_a_factor_is_known_to_be_positive(text: str) -> None:
    m = module(text, "A: real[N, N]")
    value, grads = m.value_and_grad(1e-6 * np.eye(400))
    assert value == pytest.approx(400 * np.log(1e-6), rel=1e-14)
    np.testing.assert_allclose(grads.A, 1e6 * np.eye(400), rtol=1e-14)
    assert "_nonnegative" not in vars(m)
