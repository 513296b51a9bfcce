"""Functions of Moré, Garbow and Hillstrom: their Hessians against SymPy's in 40 digits, and Newton's way to the minima.

    m = derive("mgh/wood", "hvp", "hessian", "gauss_newton")
    m.objective_hess()(x0)          np.abs(… - exact.hessian) <= 1e-14 * exact.terms

An element of a Hessian is a sum, and rounding is relative to the sum of its terms' sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from mgh_functions import FUNCTIONS, Exact, derivatives
from numpy.typing import NDArray
from scipy import optimize

INDEX = "mgh/index.json"
EMIT = ("hvp", "hessian", "gauss_newton")
LEVELS = (0, 1, 2)
POINTS = ("x0", "x1", "minimiser")
SIZES = {"watson_n6": 6, "watson_n9": 9, "penalty1_n4": 4, "penalty1_n10": 10, "broyden_tridiagonal_n10": 10}
KEYS = [k for name in FUNCTIONS for k in ([key for key in SIZES if key.startswith(name)] or [name])]
METHODS = ("trust-exact", "trust-krylov", "trust-ncg", "Newton-CG")
ROUNDING = 1e-14
Vector = NDArray[np.float64]


class Model:
    """A function's module, whose size is a dim of the model, or known at run time alone."""

    def __init__(self, derive: Callable[..., ModuleType], key: str, level: int = 1):
        name = key.partition("_n")[0] if key in SIZES else key
        dims = {"n": SIZES[key]} if key in SIZES else {}
        watson = name == "watson"
        self.module = derive(f"mgh/{name}", *EMIT, level=level, **(dims if watson else {}))
        self.sizes = {} if watson else dims
        self.objective = self.module.objective(**self.sizes)
        self.hessian = self.module.objective_hess(**self.sizes)
        self.product = self.module.objective_hessp(**self.sizes)

    def params(self, x: Vector) -> Any:
        return self.module.unpack(x, **self.sizes)

    def gauss_newton(self, x: Vector, v: Vector) -> Vector:
        found = self.module.gauss_newton(*self.params(x), *self.params(v))
        return np.asarray(self.module.pack(self.module.Params(*found)))


@pytest.fixture(scope="module")
def exact(index: Callable[[str], Any]) -> Callable[[str, str], Exact]:
    @cache
    def made(key: str, point: str) -> Exact:
        case = index(INDEX)[key]
        name = key.partition("_n")[0] if key in SIZES else key
        return derivatives(name, case[point], case["data"])

    return made


def test_every_function_is_here(index: Callable[[str], Any]) -> None:
    assert sorted(KEYS) == sorted(index(INDEX))


@pytest.mark.parametrize("key", KEYS)
def test_the_references_agree(index: Callable[[str], Any], exact: Any, key: str) -> None:
    """SymPy's formulas are those of the reference cases."""
    case = index(INDEX)[key]
    for point in ("x0", "x1"):
        assert exact(key, point).value == pytest.approx(case[f"f_{point}"], rel=1e-13)
    error = np.abs(exact(key, "x0").hessian - case["hess_x0"])
    assert (error <= ROUNDING * exact(key, "x0").terms).all()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("key", KEYS)
def test_hessian(
    derive: Callable[..., ModuleType],
    index: Callable[[str], Any],
    exact: Any,
    key: str,
    point: str,
    level: int,
) -> None:
    m, x, truth = Model(derive, key, level), np.array(index(INDEX)[key][point]), exact(key, point)
    columns = np.eye(len(x))
    limit = ROUNDING * truth.terms
    assert (np.abs(m.hessian(x) - truth.hessian) <= limit).all()
    assert (np.abs([m.product(x, column) for column in columns] - truth.hessian) <= limit).all()
    assert (np.abs([m.gauss_newton(x, column) for column in columns] - truth.gauss_newton) <= limit).all()
    v = np.random.default_rng(0).normal(size=len(x))
    assert (np.abs(m.product(x, v) - truth.hessian @ v) <= limit @ np.abs(v)).all()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("key", "entries"), [("wood", 10), ("broyden_tridiagonal_n10", 44)])
def test_sparse_hessian(
    derive: Callable[..., ModuleType],
    index: Callable[[str], Any],
    exact: Any,
    key: str,
    entries: int,
    level: int,
) -> None:
    """Wood's variables meet in pairs; those of the tridiagonal residuals two places away and no further."""
    m = Model(derive, key, level)
    for point in POINTS:
        x, truth = np.array(index(INDEX)[key][point]), exact(key, point)
        rows, cols, values = m.module.sparse_hessian(*m.params(x))
        full = np.zeros((len(x), len(x)))
        full[rows, cols] = values
        assert len(values) == len(set(zip(rows.tolist(), cols.tolist()))) == entries
        assert (np.abs(full - truth.hessian) <= ROUNDING * truth.terms).all()
        assert (m.module.hessian_csr(*m.params(x)).toarray() == full).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("key", KEYS)
def test_newton_reaches_the_minimum(
    derive: Callable[..., ModuleType], index: Callable[[str], Any], key: str, method: str
) -> None:
    """From x0, in units of its numbers; begun again until it stands still."""
    case, m = index(INDEX)[key], Model(derive, key)
    x, before = np.array(case["x0"]), np.inf
    while m.objective(x)[0] < before:
        before, best = m.objective(x)[0], x
        if before < 1e-100:  # a minimum of 0, where SciPy's own squares underflow
            break
        x = descend(m, x, method)
    # Newton-CG's line search compares values, and those of the nearly flat valley stand still first.
    loose = 1e-9 if (key, method) == ("meyer", "Newton-CG") else 1e-11
    expected = case["f_at_minimiser_float64"]
    assert before <= expected * (1 + loose) + 1e-20
    assert before >= case["f_star"] * (1 - 1e-11)
    units = np.abs(best) + (best == 0.0)
    curvatures = np.linalg.eigvalsh(m.hessian(best) * np.outer(units, units))
    assert curvatures[0] > -1e-13 * curvatures[-1]


def descend(m: Model, x: Vector, method: str) -> Vector:
    """One run of SciPy's in u = x / units, on f / f(x)."""
    units = np.where(x == 0, 1.0, np.abs(x))
    scale = m.objective(x)[0] or 1.0

    def scaled(u: Vector) -> tuple[float, Vector]:
        value, gradient = m.objective(u * units)
        return value / scale, gradient * units / scale

    def hessian(u: Vector) -> Vector:
        return np.asarray(m.hessian(u * units) * np.outer(units, units) / scale)

    def product(u: Vector, p: Vector) -> Vector:
        return np.asarray(m.product(u * units, p * units) * units / scale)

    second = {"hess": hessian} if method == "trust-exact" else {"hessp": product}
    options = {"xtol": 1e-10} if method == "Newton-CG" else {"gtol": 1e-10}
    with np.errstate(all="ignore"):  # exp overflows on the way from far off
        found = optimize.minimize(
            scaled, x / units, jac=True, method=method, options={"maxiter": 1000, **options}, **second
        )
    return np.asarray(found.x * units)
