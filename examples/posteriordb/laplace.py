"""Laplace's approximation of a posterior: a normal density at the mode, with the curvature there.

    python examples/posteriordb/laplace.py wells wells_data.json

The mode is found by Newton's method in a trust region, with the emitted gradient and Hessian over all of R^n;
the covariance is the inverse of the negative Hessian. Draws from the approximation, weighted by the exact
density, tell how far its means and deviations are from the posterior's own.
Data files: https://github.com/stan-dev/posteriordb.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import autodiffc
import numpy as np
from numpy.typing import NDArray

try:
    from scipy import optimize
except ImportError:
    raise SystemExit("the optimiser comes with SciPy: pip install scipy") from None

FOLDER = Path(__file__).parent
MODELS = {"arK": "arK_unconstrained", "eight_schools": "eight_schools_unconstrained", "wells": "wells"}
Array = NDArray[np.float64]


class Normal(NamedTuple):
    """The approximation: of the vector that pack() makes of the params."""

    mode: Array
    covariance: Array

    @property
    def deviations(self) -> Array:
        return np.sqrt(np.diag(self.covariance))


class Weighted(NamedTuple):
    """Means and deviations by importance sampling, and how many draws of the posterior that is worth."""

    means: Array
    deviations: Array
    worth: float


def load(name: str) -> ModuleType:
    return autodiffc.load(FOLDER / f"{MODELS[name]}.dsl", emit=["hessian"])


def sizes(function: Callable[..., Any], data: Mapping[str, Any]) -> dict[str, int]:
    """The sizes that a function of the module takes by name."""
    return {name: data[name] for name in signature(function).parameters if isinstance(data.get(name), int)}


def bound(function: Callable[..., Any], m: ModuleType, data: Mapping[str, Any]) -> Callable[..., Any]:
    """`objective` or `objective_hess` on the data."""
    bound_to: Callable[..., Any] = function(
        *(data[name] for name in m.SPEC["inputs"]), **sizes(function, data)
    )
    return bound_to


def laplace(m: ModuleType, data: Mapping[str, Any]) -> Normal:
    log_density, hessian = bound(m.objective, m, data), bound(m.objective_hess, m, data)

    def negative(theta: Array) -> tuple[float, Array]:
        value, gradient = log_density(theta)
        return -value, -gradient

    start = np.zeros(m.pack(m.init_params(0, **sizes(m.init_params, data))).size)
    found = optimize.minimize(
        negative, start, jac=True, hess=lambda theta: -hessian(theta), method="trust-exact",
        options={"gtol": 1e-9},
    )  # fmt: skip
    return Normal(found.x, np.linalg.inv(-hessian(found.x)))


def weighted(m: ModuleType, data: Mapping[str, Any], normal: Normal, draws: int, seed: int) -> Weighted:
    log_density = bound(m.objective, m, data)
    z = np.random.default_rng(seed).normal(size=(draws, normal.mode.size))
    thetas = normal.mode + z @ np.linalg.cholesky(normal.covariance).T
    ratios = np.array([log_density(theta)[0] for theta in thetas]) + 0.5 * (z**2).sum(axis=1)
    weights = np.exp(ratios - ratios.max())
    weights /= weights.sum()
    means = weights @ thetas
    return Weighted(means, np.sqrt(weights @ (thetas - means) ** 2), 1.0 / float((weights**2).sum()))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Laplace's approximation of a posterior.")
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("data", type=Path, help="the data of posteriordb, a JSON file")
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    m, data = load(options.model), json.loads(options.data.read_text(encoding="utf-8"))
    normal = laplace(m, data)
    exact = weighted(m, data, normal, options.draws, options.seed)
    print(f"{'mode':>10}{'deviation':>11}   weighted draws: {'mean':>10}{'deviation':>11}")
    for row in zip(normal.mode, normal.deviations, exact.means, exact.deviations):
        print("{:>10.4f}{:>11.4f}{:>27.4f}{:>11.4f}".format(*row))
    print(f"{options.draws} draws are worth {exact.worth:.0f} of the posterior")


if __name__ == "__main__":
    main()
