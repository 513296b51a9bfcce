"""NIST's 27 nonlinear regressions by SciPy's least_squares, with the emitted Jacobian of the curve.

    m = derive("nist/Misra1a", "jacobian", more="grad y_hat wrt b1, b2")
    curve = m.residuals(y, x)
    found = least_squares(lambda b: curve.fun(b) - y, start, curve.jac)

least_squares stops where the sum of squares stands still, which is half of the digits; a few undamped steps of
Gauss and Newton's find the others. Standard deviations come from the Jacobian at the end.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize

INDEX = "nist_strd/index.json"
NAMES = """Bennett5 BoxBOD Chwirut1 Chwirut2 DanWood ENSO Eckerle4 Gauss1 Gauss2 Gauss3 Hahn1 Kirby2 Lanczos1
           Lanczos2 Lanczos3 MGH09 MGH10 MGH17 Misra1a Misra1b Misra1c Misra1d Nelson Rat42 Rat43 Roszman1
           Thurber""".split()  # noqa: SIM905
LEVELS = (0, 1, 2)
Vector = NDArray[np.float64]

CERTIFIED_DIGITS = 10.3  # certified values have 11 digits: rounding moves a value by up to 5e-11 of itself
STOPPED_DIGITS = 5.5  # where least_squares stops: half of them at the least, and how many is chance
# From its first start, MINPACK walks off where columns of the Jacobian are the units of the parameters.
SCALE = {("lm", "BoxBOD"): 1.0}


class Fit(NamedTuple):
    """A data set's curve, its data and what is certified."""

    curve: Any
    response: Vector
    certified: dict[str, Any]

    def residual(self, b: Vector) -> Vector:
        return np.asarray(self.curve.fun(b) - self.response)


@pytest.fixture(scope="module")
def fit_of(
    derive: Callable[..., ModuleType], index: Callable[[str], Any], cases: Callable[[str], Path]
) -> Callable[..., Fit]:
    def made(name: str, level: int = 1) -> Fit:
        case = index(INDEX)[name]
        params = ", ".join(f"b{k + 1}" for k in range(case["n_params"]))
        module = derive(f"nist/{name}", "jacobian", more=f"grad y_hat wrt {params}", level=level)
        columns = np.loadtxt(cases(f"nist_strd/{name}.dat"), skiprows=60, ndmin=2).T
        response = np.log(columns[0]) if case["response"] != "y" else columns[0]
        return Fit(module.residuals(*columns), response, case)

    return made


def digits(found: Any, certified: Any) -> float:
    """On how many significant digits all numbers agree."""
    error = np.abs(np.asarray(found) / certified - 1.0).max()
    return float(-np.log10(max(error, 1e-16)))


def by_complex_step(fit: Fit, columns: Any, b: list[float]) -> Vector:
    """NIST's own formula, differentiated by one complex step for each parameter."""
    names = {f: getattr(np, f) for f in ("exp", "cos", "sin", "arctan", "pi")}
    names |= dict(zip(fit.certified["predictors"], columns[1:], strict=True))
    formula = compile(fit.certified["formula"], "formula", "eval")
    steps = np.array(b) + 1e-30j * np.abs(np.diag(b))
    values = [eval(formula, names | {f"b{k + 1}": v for k, v in enumerate(row)}) for row in steps]
    slopes = [v.imag / (1e-30 * abs(size)) for v, size in zip(values, b, strict=True)]
    return np.stack(slopes, axis=1)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", NAMES)
def test_jacobian_at_the_starts(
    fit_of: Callable[..., Fit], cases: Callable[[str], Path], name: str, level: int
) -> None:
    fit = fit_of(name, level)
    columns = np.loadtxt(cases(f"nist_strd/{name}.dat"), skiprows=60, ndmin=2).T
    for start in ("start1", "start2"):
        b = np.array(fit.certified[start])
        J = fit.curve.jac(b)
        expected = by_complex_step(fit, columns, fit.certified[start])
        assert (np.abs(J - expected) <= 1e-13 * np.abs(expected).max(axis=0)).all()
        r, at_start = fit.residual(b), fit.certified[f"at_{start}"]
        gradient = np.array(at_start["grad_rss"])
        rounding = 1e-14 * np.abs(J).T @ np.abs(r) + 3 * at_start["grad_check_rel"] * np.abs(gradient)
        assert (np.abs(2.0 * J.T @ r - gradient) <= rounding).all()


def gauss_newton(fit: Fit, b: Vector) -> Vector:
    """Undamped steps from near the minimum until they are rounding, at most 60."""
    for _ in range(60):
        J = fit.curve.jac(b)
        units = np.linalg.norm(J, axis=0)
        step = np.linalg.lstsq(J / units, fit.residual(b), rcond=None)[0] / units
        b = b - step
        if (np.abs(step) <= 4e-16 * np.abs(b)).all():
            break
    return b


def deviations(fit: Fit, b: Vector) -> tuple[float, Vector]:
    """The residual standard deviation, and that of each parameter as a multiple of it: from JᵀJ = RᵀR."""
    J = fit.curve.jac(b)
    units = np.linalg.norm(J, axis=0)
    inverse = np.linalg.inv(np.linalg.qr(J / units, mode="r"))
    residual = np.linalg.norm(fit.residual(b)) / np.sqrt(J.shape[0] - J.shape[1])
    return float(residual), np.linalg.norm(inverse, axis=1) / units


@pytest.mark.parametrize("start", ["start1", "start2"])
@pytest.mark.parametrize("method", ["lm", "trf"])
@pytest.mark.parametrize("name", NAMES)
def test_least_squares(fit_of: Callable[..., Fit], name: str, method: str, start: str) -> None:
    fit = fit_of(name)
    certified = fit.certified
    limits = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 2000}
    with np.errstate(all="ignore"), warnings.catch_warnings():  # exp overflows on the way from far off
        warnings.simplefilter("ignore", RuntimeWarning)
        found = optimize.least_squares(
            fit.residual,
            certified[start],
            fit.curve.jac,
            method=method,
            x_scale=SCALE.get((method, name), "jac"),
            **limits,
        )
    assert digits(found.x, certified["certified_params"]) >= STOPPED_DIGITS
    b = gauss_newton(fit, found.x)
    assert digits(b, certified["certified_params"]) >= CERTIFIED_DIGITS
    residual, each = deviations(fit, b)
    multiples = np.array(certified["certified_sd"]) / certified["certified_residual_sd"]
    assert digits(each, multiples) >= CERTIFIED_DIGITS - np.log10(2.0)  # a quotient: rounded twice
    rounding = np.finfo(float).eps * np.abs(fit.response).max()
    expected = certified["certified_residual_sd"]
    assert abs(residual - expected) <= 10**-CERTIFIED_DIGITS * expected + rounding
