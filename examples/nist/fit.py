"""Fit one of NIST's reference data sets to the last digit, with SciPy and the emitted objective's gradient.

    python examples/nist/fit.py Misra1a.dat --start 2

reads the data, the starting values and the certified values from NIST's file, and compiles the model of
the same name beside this script. These sums of squares are built to be hard: parameters of very unequal
sizes, curved valleys, plateaus. So SciPy descends from the start in several ways and the best result wins,
each time in units in which the parameters are about 1; then the gradient's root is found in coordinates
in which the minimum is round, where it can be located to all the digits that rounding leaves.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import autodiffc
import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector]]


class Problem(NamedTuple):
    """What a file of NIST's says: the data's columns (y first), two starts, the certified answer."""

    name: str
    columns: list[Vector]
    starts: tuple[Vector, Vector]
    parameters: Vector
    rss: float


def read(path: Path) -> Problem:
    """Read a data file of NIST's: the table of values from line 41 on, the data from line 61 on."""
    lines = path.read_text(encoding="ascii").splitlines()
    rows = [line.split("=")[1].split() for line in lines[40:60] if line.strip().startswith("b")]
    start1, start2, certified, _ = np.array(rows, dtype=float).T
    rss = next(float(line.split(":")[1]) for line in lines if line.startswith("Residual Sum of Squares"))
    columns = list(np.loadtxt(lines[60:], ndmin=2).T)
    return Problem(path.stem, columns, (start1, start2), certified, rss)


def in_coordinates(objective: Objective, origin: Vector, axes: Matrix, unit: float) -> Objective:
    """The objective at origin + axes @ u, in multiples of `unit`; infinite where it overflows."""

    def transformed(u: Vector) -> tuple[float, Vector]:
        value, gradient = objective(origin + axes @ u)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return np.inf, np.zeros_like(u)
        return value / unit, axes.T @ gradient / unit

    return transformed


def hessian(objective: Objective, u: Vector, step: float) -> Matrix:
    """Central differences of the gradient."""
    rows = np.array([objective(u + e)[1] - objective(u - e)[1] for e in step * np.eye(u.size)])
    return np.asarray((rows + rows.T) / (4 * step))


def newton(objective: Objective, u: Vector) -> Any:
    """SciPy's Newton method in a trust region."""

    def curvature(at: Vector) -> Matrix:
        return hessian(objective, at, 1e-5)

    options = {"gtol": 1e-9, "maxiter": 100, "initial_trust_radius": 0.5}
    return optimize.minimize(objective, u, jac=True, hess=curvature, method="trust-exact", options=options)


def bfgs(objective: Objective, u: Vector) -> Any:
    """SciPy's BFGS."""
    options = {"gtol": 1e-9, "maxiter": 1000}
    return optimize.minimize(objective, u, jac=True, method="BFGS", options=options)


def magnitudes(x: Vector) -> Vector:
    """A unit for each parameter: its own size."""
    return np.where(x == 0, 1.0, np.abs(x))


def descend(objective: Objective, x: Vector, units: Vector, method: Callable[..., Any]) -> Vector:
    """Minimise by `method`; then go on by Newton's in the units of where that led to, while it helps."""
    value = objective(x)[0]
    for _ in range(20):
        step = method(in_coordinates(objective, x, np.diag(units), value), np.zeros_like(x)).x
        x, before = x + units * step, value
        value = objective(x)[0]
        if not 0 < value < before * (1 - 1e-6):
            break
        units, method = magnitudes(x), newton
    return x


def stationary(objective: Objective, n: int) -> Vector:
    """The gradient's root near u = 0, by SciPy's hybrid Powell method."""
    options = {"xtol": 1e-14, "eps": 1e-6}
    root = optimize.root(lambda u: objective(u)[1], np.zeros(n), method="hybr", options=options)
    return np.asarray(root.x)


def rounded(objective: Objective, axes: Matrix, step: float) -> Matrix:
    """Axes in which the Hessian at u = 0 is the identity."""
    curvatures, directions = np.linalg.eigh(hessian(objective, np.zeros(len(axes)), step))
    return np.asarray(axes @ directions / np.sqrt(np.maximum(curvatures, 1e-14 * curvatures[-1])))


def polish(objective: Objective, x: Vector) -> Vector:
    """Find the gradient's root near x, in coordinates that make the Hessian the identity."""
    value = objective(x)[0] or 1.0
    axes, step = np.diag(magnitudes(x)), 1e-5
    for _ in range(4):
        axes = rounded(in_coordinates(objective, x, axes, value), axes, step)
        x = x + axes @ stationary(in_coordinates(objective, x, axes, value), x.size)
        step = 1e-3  # of coordinates that are now of the minimum's own size
    return x


def minimise(objective: Objective, start: Vector) -> Vector:
    """The best minimum that several ways of descending from `start` find, to the last digit."""
    ways = product((magnitudes(start), np.ones_like(start)), (newton, bfgs))
    with np.errstate(all="ignore"):  # far from the minimum, exp overflows now and then
        found = [descend(objective, start, units, method) for units, method in ways]
        return polish(objective, min(found, key=lambda x: objective(x)[0]))


def digits(value: Any, certified: Any) -> float:
    """The number of significant digits on which all entries agree; the certified values have 11."""
    error = np.abs(np.asarray(value) - certified) / np.abs(certified)
    return float(-np.log10(np.clip(error.max(), 1e-11, None)))


def fit(problem: Problem, start: Vector) -> tuple[Vector, float]:
    """Compile the problem's model and minimise its sum of squares: the parameters and the sum."""
    model = autodiffc.load(Path(__file__).with_name(f"{problem.name}.dsl"))
    objective = model.objective(*problem.columns)
    found = minimise(objective, start)
    return found, objective(found)[0]


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fit a data file of NIST's StRD nonlinear regressions.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--start", type=int, choices=(1, 2), default=2)
    options = parser.parse_args(arguments)
    problem = read(options.file)
    found, rss = fit(problem, problem.starts[options.start - 1])
    print(f"      {'found':>20} {'certified':>20}")
    for k, (value, certified) in enumerate(zip(found, problem.parameters, strict=True), start=1):
        print(f"b{k:<4} {value:20.12g} {certified:20.12g}")
    print(f"RSS   {rss:20.12g} {problem.rss:20.12g}")
    agreed = digits(found, problem.parameters), digits(rss, problem.rss)
    print("agree on {:.1f} digits of the parameters and {:.1f} of the RSS".format(*agreed))


if __name__ == "__main__":
    main()
