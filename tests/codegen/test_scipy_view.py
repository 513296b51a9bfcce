"""What SciPy takes of a module: products, matrices and residuals, against differences and call by call."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from scipy import optimize
from scipy_cases import CASES, Array, Case, X, Y, place, residual_module, scalar_module

LEVELS = (0, 1, 2)


def differences(function: Callable[[Array], Array], theta: Array) -> Array:
    """The Jacobian by central differences, extrapolated once."""

    def central(h: float) -> Array:
        return np.stack(
            [(function(theta + e) - function(theta - e)) / (2 * h) for e in h * np.eye(theta.size)], -1
        )

    return (4 * central(5e-4) - central(1e-3)) / 3


def free(m: ModuleType, case: Case) -> Array:
    """Which elements of theta the derivative is by."""
    n = case.size
    marks = m.unpack(np.arange(n), **all_dims(case))
    found = np.zeros(n, bool)
    for name in m.SPEC["wrt"]:
        found[np.ravel(getattr(marks, name)).astype(int)] = True
    return found


def all_dims(case: Case) -> dict[str, int]:
    """The dims that `unpack` wants."""
    needed = "real[D" in case.model.split("param", 1)[1]
    return {**({"D": 3} if needed else {}), **case.dims}


# --- derivatives ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", CASES)
def test_second_derivatives_against_differences(name: str, level: int) -> None:
    case = CASES[name]
    m = scalar_module(case, level=level)
    f = m.objective(*case.inputs, **case.dims)
    theta, p = place(case), np.random.default_rng(2).normal(size=case.size)
    assert optimize.check_grad(lambda t: f(t)[0], lambda t: f(t)[1], theta) == pytest.approx(
        np.linalg.norm(optimize.approx_fprime(theta, lambda t: f(t)[0])[~free(m, case)]), abs=1e-4
    )
    expected = differences(lambda t: f(t)[1], theta) * free(m, case)
    H = m.objective_hess(*case.inputs, **case.dims)(theta)
    Hp = m.objective_hessp(*case.inputs, **case.dims)(theta, p)
    assert H.dtype == Hp.dtype == np.float64
    assert H.shape == (case.size, case.size)
    np.testing.assert_allclose(H, expected, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(H, H.T, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(Hp, H @ p, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", CASES)
def test_jacobians_against_differences(name: str, level: int) -> None:
    case = CASES[name]
    m = residual_module(case, level=level)
    fit = m.residuals(*case.inputs, **case.dims)
    theta = place(case)
    expected = differences(fit.fun, theta) * free(m, case)
    J = fit.jac(theta)
    assert J.dtype == fit.fun(theta).dtype == np.float64
    assert J.shape == (fit.fun(theta).size, case.size)
    np.testing.assert_allclose(J, expected, rtol=1e-8, atol=1e-8)
    params = m.unpack(theta, **all_dims(case))
    rounding = 1e-15 if level == 2 else 0.0  # tiles add products up in another order
    plain = m.forward(*case.inputs, *params)[0].r.ravel()
    np.testing.assert_allclose(fit.fun(theta), plain, rtol=0.0, atol=rounding)
    if hasattr(fit, "sparse_jac"):
        np.testing.assert_array_equal(fit.sparse_jac(theta).toarray(), J)
        assert fit.sparse_jac(theta).dtype == np.float64
        np.testing.assert_array_equal(fit.jac_sparsity.toarray(), expected != 0.0)


@pytest.mark.parametrize(
    "name", ["network", "part of the params, in another order", "numbers", "few of the params in each"]
)
def test_single_precision_is_double_to_scipy(name: str) -> None:
    case, theta, p = CASES[name], place(CASES[name]), np.ones(CASES[name].size)
    single, double = (scalar_module(case, dtype=dtype) for dtype in ("float32", "float64"))
    for of in ("objective_hess", "objective_hessp"):
        wanted = (theta,) if of == "objective_hess" else (theta, p)
        found, expected = (getattr(m, of)(*case.inputs, **case.dims)(*wanted) for m in (single, double))
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    fits = [
        residual_module(case, dtype=d).residuals(*case.inputs, **case.dims) for d in ("float32", "float64")
    ]
    for of in ("fun", "jac"):
        found, expected = (getattr(fit, of)(theta) for fit in fits)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_scalar_target_is_a_vector_of_one() -> None:
    model = "param w: real[3]\nparam k: real\noutput g = k * sum(w**2) - 1\ngrad g wrt w, k\n"
    m = module_of(autodiffc.compile(model, emit=("jacobian",)), "model")
    g, theta = m.residuals(), np.array([1.0, 2.0, -1.0, 0.5])
    np.testing.assert_array_equal(g.fun(theta), [2.0])
    np.testing.assert_array_equal(g.jac(theta), [[1.0, 2.0, -1.0, 6.0]])
    np.testing.assert_array_equal(m.objective()(theta)[1], g.jac(theta)[0])


def test_no_residuals_at_all() -> None:
    m = residual_module(CASES["numbers"])
    fit = m.residuals(np.empty(0))
    assert fit.fun([1.0, 2.0]).shape == (0,)
    assert fit.jac([1.0, 2.0]).shape == (0, 2)


# --- random numbers ---------------------------------------------------------------------------------------

DROPOUT = "dim N\ninput x: real[N]\nparam w: real[N]\nparam k: real\nh = dropout(w * x, 0.5) * k\n"


def test_residuals_draw_once_for_a_theta() -> None:
    m = module_of(autodiffc.compile(DROPOUT + "output h\ngrad h wrt w\n", emit=("jacobian",)), "model")
    rng = np.random.default_rng(0)
    fit, theta = m.residuals(np.ones(40), rng), np.ones(41)
    r, J = fit.fun(theta), fit.jac(theta)
    assert 0 < (r == 0.0).sum() < 40
    np.testing.assert_array_equal(J, np.column_stack([np.diag(r), np.zeros(40)]))
    other = fit.fun(2 * theta)
    assert ((other == 0.0) != (r == 0.0)).any()
    with pytest.raises(TypeError, match=r"rng: expected a numpy\.random\.Generator"):
        m.residuals(np.ones(40), 0)


def test_second_derivatives_draw_anew() -> None:
    text = DROPOUT + "loss L = sum(h**2)\ngrad L wrt k, w\n"
    m = module_of(autodiffc.compile(text, emit=("hvp", "hessian")), "model")
    theta, x = np.arange(1.0, 6.0), np.ones(4)
    H = m.objective_hess(x, np.random.default_rng(3))(theta)
    Hp = m.objective_hessp(x, np.random.default_rng(3))(theta, theta)
    np.testing.assert_allclose(H @ theta, Hp, rtol=1e-12)
    again = m.objective_hess(x, np.random.default_rng(3))
    drawn = [again(theta) for _ in range(8)]
    np.testing.assert_array_equal(drawn[0], H)
    assert any((later != H).any() for later in drawn)


# --- the functions themselves ---------------------------------------------------------------------------------


def test_bounds_as_arrays() -> None:
    m = residual_module(CASES["network"])
    params = m.init_params(D=3, H=2)
    low, high = m.residuals(X, Y, H=2).bounds(params)
    np.testing.assert_array_equal(low, [*[-np.inf] * 10, np.finfo(float).eps])
    np.testing.assert_array_equal(high, [*[np.inf] * 10, 3.0])
    pairs = m.bounds(params)
    assert [(None if np.isinf(a) else a, None if np.isinf(b) else b) for a, b in zip(low, high)] == pairs


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.residuals(X, Y), TypeError, "missing 1 required keyword-only argument: 'H'"),
        (lambda m: m.residuals(X, Y, H=2.5), TypeError, "H: expected an int, got float"),
        (lambda m: m.residuals(X, Y[:2], H=2), ValueError, "N is 6 in x and 2 in y"),
        (lambda m: m.residuals(X, Y, H=2).fun([1.0]), ValueError, "theta: expected 11 numbers"),
        (lambda m: m.residuals(X, Y, H=2).jac(["a"] * 11), TypeError, "theta: expected real numbers"),
        (lambda m: m.residuals(X, Y, H=2).fun(-np.ones(11)), ValueError, "s: expected real > 0.0, got -1.0"),
    ],
)
def test_wrong_calls_say_what_is_wrong(
    call: Callable[[ModuleType], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(residual_module(CASES["network"]))


def test_a_wrong_theta_is_refused_where_its_bytes_are_those_of_the_last() -> None:
    fit = residual_module(CASES["a fixed size"]).residuals()
    theta = np.ones(5)
    fit.fun(theta)
    with pytest.raises(ValueError, match="theta: expected 5 numbers"):
        fit.fun(theta.reshape(5, 1))
    np.testing.assert_array_equal(fit.fun([True] * 5), fit.fun(theta))
