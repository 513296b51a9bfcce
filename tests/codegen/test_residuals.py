"""Residuals keep what the last theta gave: one run for the value and the Jacobian, nothing lent out, pickles, threads."""

from __future__ import annotations

import importlib
import pickle
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from scipy import optimize
from scipy_cases import CASES, X, Y, place, residual_module


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


def test_sparse_residuals_can_be_pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES["few of the params in each"]
    text = autodiffc.compile(f"{case.model}output r\ngrad r wrt {case.wrt}\n", emit=("jacobian",))
    (tmp_path / "pickled_s.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    fit = importlib.import_module("pickled_s").residuals(*case.inputs, **case.dims)
    again = pickle.loads(pickle.dumps(fit))
    for f in (fit, again):
        np.testing.assert_array_equal(f.sparse_jac(place(case)).toarray(), fit.jac(place(case)))
        np.testing.assert_array_equal(f.jac_sparsity.toarray(), fit.jac(place(case)) != 0.0)
