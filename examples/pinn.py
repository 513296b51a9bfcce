"""Networks that solve differential equations: pinn_poisson.dsl and pinn_burgers.dsl, trained with SciPy.

    python examples/pinn.py burgers --viscosity 0.05

The derivatives by the inputs are in the models; the gradient by the weights, through them, is emitted. The
solution is compared with the exact one: Cole and Hopf's for Burgers' equation, sin(2 pi x) for Poisson's.
"""

from __future__ import annotations

import argparse
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
Array = NDArray[np.float64]


class Solved(NamedTuple):
    """The mean of the squared residuals that was reached, and errors at places that were not trained on."""

    loss: float
    largest_error: float
    rms_error: float


def trained(m: ModuleType, inputs: tuple[Any, ...], units: int, seed: int, steps: int) -> tuple[Any, float]:
    """The params that L-BFGS finds, and the loss there."""
    start = m.pack(m.init_params(seed, H=units))
    settings = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": 50, "ftol": 1e-16, "gtol": 1e-10}
    objective = m.objective(*inputs, H=units)
    found = optimize.minimize(objective, start, jac=True, method="L-BFGS-B", options=settings)
    return m.unpack(found.x, H=units), float(found.fun)


def poisson(units: int, seed: int, steps: int) -> Solved:
    """u'' = -(2 pi)**2 sin(2 pi x)."""
    m = autodiffc.load(FOLDER / "pinn_poisson.dsl")
    x, between = np.linspace(0.0, 1.0, 41), np.linspace(0.0, 1.0, 334)
    params, loss = trained(m, (x, -((2 * np.pi) ** 2) * np.sin(2 * np.pi * x)), units, seed, steps)
    return _solved(loss, m.predict(between, *params).u - np.sin(2 * np.pi * between))


def burgers(viscosity: float, units: int, seed: int, steps: int) -> Solved:
    m = autodiffc.load(FOLDER / "pinn_burgers.dsl")
    grid = np.meshgrid(np.linspace(0.0, 1.0, 16), np.linspace(-1.0, 1.0, 33))
    params, loss = trained(m, (grid[0].ravel(), grid[1].ravel(), viscosity), units, seed, steps)
    t, x = np.random.default_rng(seed).uniform((0.01, -1.0), (1.0, 1.0), (500, 2)).T
    return _solved(loss, m.predict(t, x, *params).u - cole_hopf(t, x, viscosity))


def _solved(loss: float, error: Array) -> Solved:
    return Solved(loss, float(np.abs(error).max()), float(np.sqrt(np.mean(error**2))))


def cole_hopf(t: Array, x: Array, viscosity: float, nodes: int = 100) -> Array:
    """Burgers' equation solved from -sin(pi x) (Hopf 1950, Cole 1951), by Gauss-Hermite quadrature."""
    z, weights = np.polynomial.hermite.hermgauss(nodes)
    y = x[:, None] - 2.0 * np.sqrt(viscosity * t)[:, None] * z
    exponent = -np.cos(np.pi * y) / (2.0 * np.pi * viscosity)
    kernel = weights * np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return np.asarray(-(np.sin(np.pi * y) * kernel).sum(axis=1) / kernel.sum(axis=1))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Differential equations solved by networks.")
    parser.add_argument("problem", choices=("poisson", "burgers"))
    parser.add_argument("--viscosity", type=float, default=0.05, help="of Burgers' equation")
    parser.add_argument("--units", type=int, default=16, help="units of a layer")
    parser.add_argument("--steps", type=int, default=2000, help="steps of L-BFGS, at most")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    setting = (options.units, options.seed, options.steps)
    found = poisson(*setting) if options.problem == "poisson" else burgers(options.viscosity, *setting)
    print(f"loss {found.loss:.2e}   largest error {found.largest_error:.2e}   rms {found.rms_error:.2e}")


if __name__ == "__main__":
    main()
