"""Determinants, equations and factors: values and gradients at the edges, in the emitted modules."""

from __future__ import annotations

import inspect
import warnings
from fractions import Fraction
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from autodiffc.codegen.routines import ROUTINES

LEVELS = (0, 1, 2)
NAN = np.nan


def module(text: str, *inputs: str, wrt: str = "A", level: int = 1, dtype: str = "float64") -> ModuleType:
    lines = ["dim N", *(f"input {i}" for i in inputs), f"output f = {text}", f"grad f wrt {wrt}"]
    return module_of(autodiffc.compile("\n".join(lines) + "\n", level=level, dtype=dtype), "model")


SQUARE = "A: real[N, N]"


# --- det -----------------------------------------------------------------------------------------

SINGULAR: list[tuple[Any, Any]] = [
    ([[1.0, 2.0], [2.0, 4.0]], [[4.0, -2.0], [-2.0, 1.0]]),
    ([[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]),
    ([[0.0]], [[1.0]]),
    ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]], [[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]]),
    ([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]], np.zeros((3, 3))),
    ([[1.0, 0.0, 0.0], [0.0, 1e-20, 0.0], [0.0, 0.0, 1.0]], [[1e-20, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1e-20]]),
]  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("A", "cofactors"), SINGULAR, ids=range(len(SINGULAR)))
def test_the_gradient_of_a_vanishing_determinant(A: Any, cofactors: Any, level: int) -> None:
    value, grads = module("det(A)", SQUARE, level=level).value_and_grad(np.array(A))
    assert value == pytest.approx(np.linalg.det(A), abs=1e-30)
    np.testing.assert_allclose(grads.A, cofactors, rtol=1e-14, atol=1e-14)


def test_a_stack_of_regular_and_singular_matrices() -> None:
    A = np.array([SINGULAR[0][0], [[3.0, 1.0], [1.0, 2.0]], [[NAN, NAN], [NAN, NAN]], SINGULAR[1][0]])
    m = module("sum(det(A) * [1, 2, 3, 4])", "A: real[4, N, N]")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value, grads = m.value_and_grad(A)
    assert np.isnan(value)
    np.testing.assert_allclose(grads.A[0], SINGULAR[0][1], rtol=1e-14)
    np.testing.assert_allclose(grads.A[1], [[4.0, -2.0], [-2.0, 6.0]], rtol=1e-14)
    np.testing.assert_array_equal(grads.A[3], np.zeros((2, 2)))


def determinant(rows: list[list[Fraction]]) -> Fraction:
    """By elimination, exactly."""
    result = Fraction(1)
    while rows:
        pivot = next((row for row in rows if row[0]), None)
        if pivot is None:
            return Fraction(0)
        result *= pivot[0] * (-1) ** next(i for i, row in enumerate(rows) if row is pivot)
        others = [row for row in rows if row is not pivot]
        rows = [[x - row[0] / pivot[0] * p for x, p in zip(row[1:], pivot[1:])] for row in others]
    return result


def exact_cofactors(A: Any) -> Any:
    result = np.zeros(A.shape)
    for i, j in np.ndindex(A.shape):
        minor = np.delete(np.delete(A, i, 0), j, 1)
        result[i, j] = (-1) ** (i + j) * determinant([[Fraction(x) for x in row] for row in minor.tolist()])
    return result


@pytest.mark.parametrize("n", range(1, 6))
def test_cofactors_of_every_rank(n: int) -> None:
    rng = np.random.default_rng(n)
    for rank in range(n + 1):
        low = rng.normal(size=(10, n, rank)) @ rng.normal(size=(10, rank, n))
        stack = np.concatenate([low, np.round(4.0 * low) / 4.0, 1e-9 * low])
        for A, found in zip(stack, ROUTINES["_cofactors"](stack)):
            size = np.linalg.norm(A, 2) ** (n - 1)
            np.testing.assert_allclose(found, exact_cofactors(A), rtol=0.0, atol=2e-14 * size)


def permutations_sum(A: Any, H: Any) -> Any:
    """The derivative of the cofactors of a 3 by 3 matrix in a direction: each a difference of two products."""
    result = np.zeros((3, 3))
    for i, j in np.ndindex(3, 3):
        (r, s), (p, q) = (((k + 1) % 3, (k + 2) % 3) for k in (i, j))
        result[i, j] = H[r, p] * A[s, q] + A[r, p] * H[s, q] - H[r, q] * A[s, p] - A[r, q] * H[s, p]
    return result


@pytest.mark.parametrize("A", [a for a, _ in SINGULAR if len(a) == 3])
def test_the_second_derivative_of_a_vanishing_determinant(A: Any) -> None:
    H = np.random.default_rng(0).normal(size=(3, 3))
    adjoint = ROUTINES["_cofactors_adjoint"](H, np.array(A))
    np.testing.assert_allclose(adjoint, permutations_sum(np.array(A), H), rtol=1e-13, atol=1e-14)


def test_cofactors_that_are_not_numbers_raise_nothing() -> None:
    for bad in (np.full((2, 2), NAN), np.array([[np.inf, 1.0], [1.0, 1.0]])):
        with np.errstate(all="ignore"):
            assert ROUTINES["_cofactors"](bad).shape == (2, 2)
            assert np.isnan(ROUTINES["_cofactors_adjoint"](np.eye(2), bad)).all()


def test_singular_matrices_have_no_logarithm_to_differentiate() -> None:
    m = module("log(abs(det(A)))", SQUARE)
    outputs, cache = m.forward(np.ones((2, 2)))
    assert outputs.f == -np.inf
    with pytest.raises(np.linalg.LinAlgError):
        m.backward(cache)


@pytest.mark.parametrize("level", [1, 2])
def test_sign_and_logarithm_come_of_one_call(level: int) -> None:
    source = "dim N\ninput A: real[N, N]\ns, l = slogdet(A)\noutput f = s * l\noutput g = l\ngrad f wrt A\n"
    m = module_of(autodiffc.compile(source, level=level), "model")
    for function in (m.value_and_grad, m.forward):
        assert inspect.getsource(function).count("linalg.slogdet(") == 1
    assert inspect.getsource(m.predict).count("linalg.slogdet(") == level - 1  # -O1 calls forward
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    value, grads = m.value_and_grad(A)
    assert value == -np.linalg.slogdet(A)[1]
    np.testing.assert_allclose(grads.A, -np.linalg.inv(A).T, rtol=1e-14)


# --- equations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["solve", "solve_triangular"])
@pytest.mark.parametrize("a", [(), (3,), (4,), (2, 1), (2, 3)], ids=str)
@pytest.mark.parametrize("b", [(), (1,), (3,), (2, 1), (2, 3), None], ids=str)
def test_numpy_1_takes_no_matrix_for_vectors(
    monkeypatch: pytest.MonkeyPatch, function: str, a: tuple[int, ...], b: tuple[int, ...] | None
) -> None:
    """It does where the right-hand side has one dim less than the matrices."""
    if a == (4,) and b not in ((), (1,), None):
        return
    A = np.random.default_rng(0).normal(size=(*a, 4, 4)) + 4.0 * np.eye(4)
    B = np.random.default_rng(1).normal(size=(4,) if b is None else (*b, 4, 4))
    types = [f"real[{', '.join(map(str, x.shape))}]" for x in (A, B)]
    source = (
        f"input A: {types[0]}\ninput B: {types[1]}\noutput f = sum({function}(A, B)**2)\ngrad f wrt A, B\n"
    )
    m = module_of(autodiffc.compile(source), "model")
    expected, plain = m.value_and_grad(A, B), np.linalg.solve

    def solve_of_numpy_1(x: Any, y: Any) -> Any:
        assert y.ndim != x.ndim - 1 or x.ndim == 2
        return plain(x, y)

    monkeypatch.setattr(np.linalg, "solve", solve_of_numpy_1)
    value, grads = m.value_and_grad(A, B)
    assert value == expected[0]
    assert grads.A.shape == A.shape
    assert grads.B.shape == B.shape


# --- triangles -----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("trans", [0, 1])
@pytest.mark.parametrize("unit", [False, True])
def test_the_other_triangle_is_not_read(level: int, lower: bool, trans: int, unit: bool) -> None:
    rng = np.random.default_rng(2)
    full = rng.normal(size=(5, 5)) + 4.0 * np.eye(5)
    T = np.tril(full, -unit) if lower else np.triu(full, unit)
    hidden = np.where(T == 0.0, NAN, T)
    T, b, g = T + unit * np.eye(5), rng.normal(size=5), rng.normal(size=5)
    options = f"lower={str(lower).lower()}, trans={trans}, unit_diagonal={str(unit).lower()}"
    m = module(f"solve_triangular(A, b, {options})", SQUARE, "b: real[N]", wrt="A, b", level=level)
    outputs, cache = m.forward(hidden, b)
    grads = m.backward(cache, g)
    A = T.T if trans else T
    np.testing.assert_allclose(A @ outputs.f, b, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(A.T @ grads.b, g, rtol=1e-13, atol=1e-14)
    whole = -np.outer(outputs.f, grads.b) if trans else -np.outer(grads.b, outputs.f)
    expected = np.tril(whole, -unit) if lower else np.triu(whole, unit)
    np.testing.assert_allclose(grads.A, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 130, 200])
@pytest.mark.parametrize("lower", [False, True])
def test_substitution_by_blocks_is_as_good_as_row_by_row(n: int, lower: bool) -> None:
    """Its error is small in every component, however ill-conditioned the triangle: |T x - b| ≤ n u |T| |x|."""
    rng = np.random.default_rng(n)
    T = rng.normal(size=(n, n)) * np.exp(rng.uniform(-3.0, 3.0, (n, 1)))
    T = np.tril(T) if lower else np.triu(T)
    T += np.diag(np.sign(np.diag(T)) * np.abs(T).sum(1) * 0.3)
    for b in (rng.normal(size=n), rng.normal(size=(n, 3))):
        x = ROUTINES["_solve_triangular"](T, b, lower=lower)
        assert x.shape == b.shape
        assert (np.abs(T @ x - b) <= 2.0**-53 * (n + 2) * (np.abs(T) @ np.abs(x) + np.abs(b))).all()


def test_a_triangle_with_a_zero_on_its_diagonal_is_singular() -> None:
    m = module("solve_triangular(A, b, lower=true)", SQUARE, "b: real[N]", wrt="A, b")
    with pytest.raises(np.linalg.LinAlgError):
        m.forward(np.array([[1.0, 0.0], [1.0, 0.0]]), np.ones(2))


# --- Cholesky ------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_cholesky_reads_the_lower_triangle_and_has_a_symmetric_gradient(level: int) -> None:
    rng = np.random.default_rng(1)
    A, w = np.cov(rng.normal(size=(4, 20))), rng.normal(size=(4, 4))
    m = module("sum(w * cholesky(A))", SQUARE, "w: real[N, N]", level=level)
    value, grads = m.value_and_grad(np.tril(A) + np.triu(np.full((4, 4), NAN), 1), w)
    assert value == pytest.approx(np.sum(w * np.linalg.cholesky(A)), rel=1e-14)
    np.testing.assert_array_equal(grads.A, grads.A.T)
    for i, j in np.ndindex(4, 4):
        h = 1e-6
        step = np.zeros((4, 4))
        step[i, j] += h / 2
        step[j, i] += h / 2
        slope = (np.sum(w * np.linalg.cholesky(A + step)) - np.sum(w * np.linalg.cholesky(A - step))) / (
            2 * h
        )
        assert grads.A[i, j] == pytest.approx(slope, rel=1e-7, abs=1e-8)


def test_the_factor_is_made_once_and_serves_both_passes() -> None:
    source = (
        "dim N\ninput A: real[N, N]\ninput b: real[N]\nL = cholesky(A)\nz = solve_triangular(L, b, lower=true)\n"
        "output f = z @ z + sum(log(diag(cholesky(A))))\ngrad f wrt A, b\n"
    )
    m = module_of(autodiffc.compile(source), "model")
    assert inspect.getsource(m.value_and_grad).count("linalg.cholesky(") == 1
    assert "linalg.cholesky" not in inspect.getsource(m.backward)
    A, b = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, -2.0])
    value, grads = m.value_and_grad(A, b)
    x = np.linalg.solve(A, b)
    assert value == pytest.approx(b @ x + 0.5 * np.linalg.slogdet(A)[1], rel=1e-14)
    np.testing.assert_allclose(grads.A, 0.5 * np.linalg.inv(A) - np.outer(x, x), rtol=1e-13)
    np.testing.assert_allclose(grads.b, 2.0 * x, rtol=1e-13)


def test_a_matrix_that_is_not_positive_definite_has_no_factor() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        module("sum(cholesky(A))", SQUARE).forward(np.diag([1.0, -1.0]))


# --- all of them -----------------------------------------------------------------------------------

TEXTS = [
    "det(A)", "logdet(A)", "log(abs(det(A)))", "sum(inv(A))", "sum(solve(A, b))", "sum(cholesky(A))",
    "sum(solve_triangular(A, b, lower=true))", "sum(cholesky(A, upper=true) @ b)", "sum(sign(det(A)) * b)",
]  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("text", TEXTS)
def test_single_precision(text: str, level: int) -> None:
    A, b = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, -2.0])
    single = module(text, SQUARE, "b: real[N]", level=level, dtype="float32")
    value, grads = single.value_and_grad(A.astype(np.float32), b.astype(np.float32))
    expected, reference = module(text, SQUARE, "b: real[N]", level=level).value_and_grad(A, b)
    assert value == pytest.approx(expected, rel=1e-5)
    assert grads.A.dtype == np.float32
    np.testing.assert_allclose(grads.A, reference.A, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("n", [0, 1, 3])
def test_sizes_and_nan(text: str, n: int) -> None:
    A, b = 2.0 * np.eye(n), np.ones(n)
    m = module(text, SQUARE, "b: real[N]")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, grads = m.value_and_grad(A, b)
    assert np.isfinite(value)
    assert grads.A.shape == (n, n)
    assert np.isfinite(grads.A).all()
    if n:
        with np.errstate(all="ignore"):
            value, grads = m.value_and_grad(np.full((n, n), NAN), b)
        assert np.isnan(value) or "sign" in text
        assert grads.A.shape == (n, n)


def test_a_constant_has_the_same_bits_at_every_level() -> None:
    text = "input s: real\noutput f = sum(solve_triangular([[0.3, 1], [0.7, 0.1]], [1, 3], lower=true)) * s\n"
    found = {module_of(autodiffc.compile(text, level=level), "model").predict(3.0).f for level in LEVELS}
    assert len(found) == 1


@pytest.mark.parametrize("level", LEVELS)
def test_a_singular_constant_is_singular_at_run_time(level: int) -> None:
    m = module_of(autodiffc.compile("input s: real\noutput f = inv([[0]])[0, 0] * s\n", level=level), "model")
    with pytest.raises(np.linalg.LinAlgError):
        m.predict(1.0)
