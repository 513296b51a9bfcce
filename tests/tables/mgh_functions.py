"""Functions of Moré, Garbow and Hillstrom as SymPy has them: their exact second derivatives.

>>> derivatives("beale", [1.0, 1.0], {"y": [1.5, 2.25, 2.625]}).value
14.203125

Written after the paper (ACM TOMS 7(1), 1981, 17-41), without the models of the examples: f is the sum of the
squares of the residuals. A row of the table is a residual, or a formula for many of them and what they differ in.
Numbers of points and data are the doubles that they are, and arithmetic has 40 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import mpmath
import numpy as np
import sympy as sp
from numpy.typing import NDArray

DIGITS = 40
Data = Mapping[str, Sequence[float]]
X = Sequence[Any]
Residuals = Iterator[tuple[Callable[..., Any], Sequence[tuple[Any, ...]]]]
ONE: Sequence[tuple[Any, ...]] = [()]


def numbered(values: Sequence[float], first: int = 1) -> list[tuple[Any, ...]]:
    """(1, y1), (2, y2), …"""
    return list(enumerate(values, first))


def rosenbrock(x: X, data: Data) -> Residuals:
    yield lambda: 10 * (x[1] - x[0] ** 2), ONE
    yield lambda: 1 - x[0], ONE


def powell_badly_scaled(x: X, data: Data) -> Residuals:
    yield lambda: 10**4 * x[0] * x[1] - 1, ONE
    yield lambda c: sp.exp(-x[0]) + sp.exp(-x[1]) - c, [(1.0001,)]


def beale(x: X, data: Data) -> Residuals:
    yield lambda i, y: y - x[0] * (1 - x[1] ** i), numbered(data["y"])


def helical_valley(x: X, data: Data) -> Residuals:
    def turned() -> Any:
        behind = sp.Piecewise((sp.Rational(1, 2), x[0] < 0), (0, True))
        return 10 * (x[2] - 10 * (sp.atan(x[1] / x[0]) / (2 * sp.pi) + behind))

    yield turned, ONE
    yield lambda: 10 * (sp.sqrt(x[0] ** 2 + x[1] ** 2) - 1), ONE
    yield lambda: x[2], ONE


def meyer(x: X, data: Data) -> Residuals:
    yield lambda i, y: x[0] * sp.exp(x[1] / (45 + 5 * i + x[2])) - y, numbered(data["y"])


def box3d(x: X, data: Data) -> Residuals:
    def residual(i: Any) -> Any:
        t = i / 10
        return sp.exp(-t * x[0]) - sp.exp(-t * x[1]) - x[2] * (sp.exp(-t) - sp.exp(-10 * t))

    yield residual, [(i,) for i in range(1, 11)]


def wood(x: X, data: Data) -> Residuals:
    yield lambda: 10 * (x[1] - x[0] ** 2), ONE
    yield lambda: 1 - x[0], ONE
    yield lambda: sp.sqrt(90) * (x[3] - x[2] ** 2), ONE
    yield lambda: 1 - x[2], ONE
    yield lambda: sp.sqrt(10) * (x[1] + x[3] - 2), ONE
    yield lambda: (x[1] - x[3]) / sp.sqrt(10), ONE


def kowalik_osborne(x: X, data: Data) -> Residuals:
    rows = list(zip(data["y"], data["u"], strict=True))
    yield lambda y, u: y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3]), rows


def osborne1(x: X, data: Data) -> Residuals:
    def residual(i: Any, y: Any) -> Any:
        return y - (x[0] + x[1] * sp.exp(-10 * i * x[3]) + x[2] * sp.exp(-10 * i * x[4]))

    yield residual, numbered(data["y"], 0)


def watson(x: X, data: Data) -> Residuals:
    def residual(i: Any) -> Any:
        polynomial = sum(xj * (i / 29) ** j for j, xj in enumerate(x))
        slope = sum(j * xj * (i / 29) ** (j - 1) for j, xj in enumerate(x) if j)
        return slope - polynomial**2 - 1

    yield residual, [(i,) for i in range(1, 30)]
    yield lambda: x[0], ONE
    yield lambda: x[1] - x[0] ** 2 - 1, ONE


def penalty1(x: X, data: Data) -> Residuals:
    for xi in x:
        yield lambda xi=xi: sp.sqrt(sp.Rational(1, 10**5)) * (xi - 1), ONE
    yield lambda: sum(xi**2 for xi in x) - sp.Rational(1, 4), ONE


def broyden_tridiagonal(x: X, data: Data) -> Residuals:
    padded = [0, *x, 0]
    for a, b, c in zip(padded, padded[1:], padded[2:]):
        yield lambda a=a, b=b, c=c: (3 - 2 * b) * b - a - 2 * c + 1, ONE


FUNCTIONS: dict[str, Callable[[X, Data], Residuals]] = {
    f.__name__: f
    for f in (
        rosenbrock, powell_badly_scaled, beale, helical_valley, meyer, box3d, wood, kowalik_osborne,
        osborne1, watson, penalty1, broyden_tridiagonal,
    )
}  # fmt: skip


class Exact(NamedTuple):
    """A function's value and derivatives at a point, rounded once; `terms` sums what the Hessian is a sum of."""

    value: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]
    gauss_newton: NDArray[np.float64]
    terms: NDArray[np.float64]


def derivatives(name: str, point: Sequence[float], data: Data) -> Exact:
    """The derivatives of sum(r**2): 2 Jᵀr, and 2 (JᵀJ + sum_k r_k B_k) where B_k is the Hessian of r_k."""
    x = sp.symbols(f"x1:{len(point) + 1}")
    with mpmath.workdps(DIGITS):
        found = [
            evaluate(*map(mpmath.mpf, (*point, *row)))
            for formula, rows in FUNCTIONS[name](x, data)
            for evaluate in [_evaluator(x, formula, len(rows[0]))]
            for row in rows
        ]
        r, J, B = (np.array(part, dtype=object) for part in zip(*found))
        parts = r @ r, 2 * (r @ J), 2 * (J.T @ J + np.tensordot(r, B, 1)), 2 * J.T @ J
        terms = 2 * (np.abs(J).T @ np.abs(J) + np.tensordot(np.abs(r), np.abs(B), 1))
        value, *arrays = (np.array(part, float) for part in (*parts, terms))
    return Exact(float(value), *arrays)


def _evaluator(x: X, formula: Callable[..., Any], count: int) -> Any:
    """The function of the point and what the residuals differ in: one, its gradient, its Hessian."""
    differing = sp.symbols(f"d1:{count + 1}")
    r = sp.sympify(formula(*differing))
    gradient = [sp.diff(r, xi) for xi in x]
    return sp.lambdify(
        (*x, *differing), (r, gradient, [[sp.diff(g, xi) for xi in x] for g in gradient]), "mpmath"
    )
