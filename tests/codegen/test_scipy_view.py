"""What SciPy takes of a module: products, matrices and residuals, against differences and call by call."""

from __future__ import annotations

import importlib
import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from scipy import optimize

Array = Any
LEVELS = (0, 1, 2)
RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=6)


class Case(NamedTuple):
    """A model of residuals `r` and their squares `L`, with its inputs and the dims to be named."""

    model: str
    inputs: tuple[Any, ...] = ()
    dims: dict[str, int] = {}  # noqa: RUF012 (never changed)
    wrt: str = ""
    size: int = 0  # of theta


NETWORK = """
dim N, D, H
input x: real[N, D]
input y: real[N]
param W: real[D, H]
param b: real[H]
param v: real[H]
param s: real > 0 <= 3 = 1.0
r = tanh(x @ W + b) @ v * s - y
"""
CASES = {
    "network": Case(NETWORK, (X, Y), {"H": 2}, "W, b, v, s", 11),
    "part of the params, in another order": Case(NETWORK, (X, Y), {"H": 2}, "s, W", 11),
    "all params, in another order": Case(NETWORK, (X, Y), {"H": 2}, "v, s, b, W", 11),
    "numbers": Case(
        "dim N\ninput t: real[N]\nparam a, b: real\nr = a * exp(b * t) - t\n", (Y,), {}, "a, b", 2
    ),
    "one of two numbers": Case(
        "dim N\ninput t: real[N]\nparam a, b: real\nr = a * exp(b * t) - t\n", (Y,), {}, "b", 2
    ),
    "no inputs": Case("dim N\nparam x: real[N]\nr = 10 * (x[1:] - x[:-1]**2)\n", (), {"N": 4}, "x", 4),
    "a matrix of residuals": Case(
        "dim N, D\ninput x: real[N, D]\nparam c: real[D]\nparam k: real\nr = sin(x * c) * k\n",
        (X,), {}, "c, k", 4,
    ),
    "a loop": Case(
        "dim N, D\ninput x: real[N, D]\nparam w: real[D]\nparam u: real\nh = 0.0\nvar r: real[N]\n"
        "for t in range(N):\n    h = tanh(x[t] @ w + u * h)\n    r[t] = h\n",
        (X,), {}, "w, u", 4,
    ),
    "few of the params in each": Case(
        "dim N, K\ninput i: int[N] in range(K)\ninput y: real[N]\nparam a: real[K]\nparam fixed: real[2]\n"
        "param b: real\nparam c: real[K, 2]\nr = (a[i] * b + exp(c[i, 1]) * a[i] - y) * fixed[0]\n",
        ([0, 2, 1, 2, 2, 0], Y), {"K": 3}, "c, a", 12,
    ),
    "a fixed size": Case("param q: real[2, 2]\nparam z: real\nr = q @ q.T * z\n", (), {}, "q, z", 5),
}  # fmt: skip


def residual_module(case: Case, **options: Any) -> ModuleType:
    text = f"{case.model}output r\ngrad r wrt {case.wrt}\n"
    return module_of(autodiffc.compile(text, emit=("jacobian",), **options), "model")


def scalar_module(case: Case, **options: Any) -> ModuleType:
    text = f"{case.model}loss L = sum(r**2 + r**3)\ngrad L wrt {case.wrt}\n"
    return module_of(autodiffc.compile(text, emit=("hvp", "hessian"), **options), "model")


def place(case: Case) -> Array:
    return np.random.default_rng(1).uniform(0.3, 0.9, case.size)


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
    np.testing.assert_array_equal(fit.fun(theta), m.forward(*case.inputs, *params)[0].r.ravel())
    if hasattr(fit, "sparse_jac"):
        np.testing.assert_array_equal(fit.sparse_jac(theta).toarray(), J)
        assert fit.sparse_jac(theta).dtype == np.float64
        np.testing.assert_array_equal(fit.jac_sparsity.toarray(), expected != 0.0)


@pytest.mark.parametrize("name", ["network", "part of the params, in another order", "numbers"])
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


# --- what is kept -----------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[int]]:
    """Residuals, and a list that grows each time the model runs."""
    return counting(residual_module(CASES["numbers"]), "value_and_jacobian", monkeypatch, Y)


def counting(
    m: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch, *inputs: Any
) -> tuple[Any, list[int]]:
    """The residuals of a module, and a list that grows with each call of its function."""
    runs, original = list[int](), getattr(m, name)

    def called(*args: Any, **named: Any) -> Any:
        runs.append(1)
        return original(*args, **named)

    monkeypatch.setattr(m, name, called)
    return m.residuals(*inputs), runs


def test_the_value_and_the_jacobian_come_from_one_run(counted: tuple[Any, list[int]]) -> None:
    fit, runs = counted
    theta = np.array([1.0, 0.5])
    for _ in range(3):
        fit.fun(theta)
        fit.jac(theta.copy())
        fit.fun([1, 0.5])
    assert len(runs) == 1
    theta[0] = 2.0  # SciPy changes its vectors in place
    assert fit.fun(theta)[0] == 2.0 * np.exp(0.5 * Y[0]) - Y[0]
    fit.jac(theta)
    assert len(runs) == 2
    fit.jac([1.0, 0.5])
    fit.jac([0.5, 1.0])
    assert len(runs) == 4


def test_a_sparse_jacobian_comes_from_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "dim N\ninput y: real[N]\nparam x: real[N]\noutput r = x**3 - y\ngrad r wrt x\n"
    m = module_of(autodiffc.compile(text, emit=("jacobian",)), "model")
    fit, runs = counting(m, "value_and_sparse_jacobian", monkeypatch, [1.0, 8.0])
    monkeypatch.setattr(m, "jacobian_colouring", pytest.fail)  # the colouring is kept
    np.testing.assert_array_equal(fit.fun([2.0, 2.0]), [7.0, 0.0])
    np.testing.assert_array_equal(fit.jac([2.0, 2.0]), [[12.0, 0.0], [0.0, 12.0]])
    np.testing.assert_array_equal(fit.sparse_jac([2.0, 2.0]).data, [12.0, 12.0])
    assert len(runs) == 1


def test_minus_zero_and_nan_are_places_of_their_own(counted: tuple[Any, list[int]]) -> None:
    fit, runs = counted
    for theta in ([0.0, 1.0], [-0.0, 1.0], [np.nan, 1.0], [np.nan, 1.0]):
        fit.fun(theta)
    assert len(runs) == 3
    assert np.isnan(fit.fun([np.nan, 1.0])).all()


def test_what_is_given_out_may_be_written_to() -> None:
    fit = residual_module(CASES["network"]).residuals(X, Y, H=2)
    theta = place(CASES["network"])
    r, J = fit.fun(theta), fit.jac(theta)
    expected = r.copy(), J.copy()
    r[:], J[:] = 7.0, 7.0
    np.testing.assert_array_equal(fit.fun(theta), expected[0])
    np.testing.assert_array_equal(fit.jac(theta), expected[1])


def test_least_squares_runs_the_model_once_for_each_place(counted: tuple[Any, list[int]]) -> None:
    fit, runs = counted
    found = optimize.least_squares(fit.fun, [1.0, 0.5], fit.jac)
    assert found.success
    assert found.njev > 3
    assert len(runs) <= found.nfev + 1


def test_a_sparse_jacobian_may_be_written_to() -> None:
    case = CASES["few of the params in each"]
    fit, theta = residual_module(case).residuals(*case.inputs, **case.dims), place(case)
    expected = fit.jac(theta)
    for array in (fit.sparse_jac(theta), fit.jac_sparsity):
        array.data[:], array.indices[:], array.indptr[:] = 7.0, 0, 0
    np.testing.assert_array_equal(fit.sparse_jac(theta).toarray(), expected)
    np.testing.assert_array_equal(fit.jac(theta), expected)
    np.testing.assert_array_equal(fit.jac_sparsity.toarray(), expected != 0.0)
    np.testing.assert_array_equal(fit.jac(2 * theta) != 0.0, expected != 0.0)


def test_threads_share_residuals() -> None:
    case = CASES["network"]
    m = residual_module(case)
    fit = m.residuals(*case.inputs, **case.dims)
    places = [np.random.default_rng(i).uniform(0.3, 0.9, case.size) for i in range(8)]
    expected = [m.residuals(*case.inputs, **case.dims).jac(t) for t in places]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(100):
            if not np.array_equal(fit.jac(places[i]), expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_all_of_it_can_be_pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, theta = CASES["part of the params, in another order"], place(CASES["network"])
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, target in (("pickled_r", "output r\ngrad r"), ("pickled_l", "loss L = sum(r**2)\ngrad L")):
        emit = ("jacobian", "hvp", "hessian") if name == "pickled_l" else ("jacobian",)
        text = autodiffc.compile(f"{case.model}{target} wrt {case.wrt}\n", emit=emit)
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
        m = importlib.import_module(name)
        monkeypatch.delitem(sys.modules, name)
        sys.modules[name] = m
        fit = m.residuals(X, Y, H=2)
        before = len(pickle.dumps(fit))
        J = fit.jac(theta)
        assert len(pickle.dumps(fit)) == before
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(fit)).jac(theta), J)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(fit.fun))(theta), fit.fun(theta))
    hess, hessp = (pickle.loads(pickle.dumps(o(X, Y, H=2))) for o in (m.objective_hess, m.objective_hessp))
    np.testing.assert_allclose(hess(theta) @ theta, hessp(theta, theta), rtol=1e-12)


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
