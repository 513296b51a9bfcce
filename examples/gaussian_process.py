"""Gaussian process regression with gaussian_process.dsl: its hyper-parameters learned with SciPy.

    python examples/gaussian_process.py --points 60

draws noisy observations of a smooth function of two coordinates, the second of which hardly matters,
maximises the marginal likelihood from several starting points, and compares predictions with the function.
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

MODEL = Path(__file__).with_name("gaussian_process.dsl")
NOISE = 0.1
Array = NDArray[np.float64]


class Data(NamedTuple):
    """Places as rows of coordinates, and what was observed there."""

    X: Array
    y: Array


def truth(X: Array) -> Array:
    """The function that is observed."""
    return np.sin(3.0 * X[:, 0]) + 0.3 * X[:, 0] + 0.1 * X[:, 1]


def observations(points: int, rng: np.random.Generator) -> Data:
    X = rng.uniform(-2.0, 2.0, (points, 2))
    return Data(X, truth(X) + NOISE * rng.normal(size=points))


def learn(m: ModuleType, data: Data, starts: int, rng: np.random.Generator) -> tuple[Any, float]:
    """The likeliest hyper-parameters, and the negative log likelihood there; the best of several descents."""
    D = data.X.shape[1]
    nothing = np.empty((0, D))  # no predictions while learning
    objective = m.objective(data.X, data.y, nothing)
    start = m.pack(m.init_params(D=D))
    found = [
        optimize.minimize(
            objective, start + scale * rng.normal(size=start.shape), jac=True, method="L-BFGS-B"
        )
        for scale in [0.0, *(starts - 1) * [1.0]]
    ]
    best = min(found, key=lambda result: result.fun)
    return m.unpack(best.x, D=D), float(best.fun)


def report(m: ModuleType, data: Data, starts: int, rng: np.random.Generator) -> float:
    """Learn, predict at new places, and print how that went; gives the root mean squared error."""
    params, nll = learn(m, data, starts, rng)
    lengths = ", ".join(f"{length:.3g}" for length in np.exp(params.log_lengthscale))
    print(f"log likelihood {-nll:.3f}")
    print(f"lengthscales {lengths}   amplitude {np.exp(params.log_amplitude):.3g}", end="   ")
    print(f"noise {np.exp(params.log_noise):.3g} (the true one: {NOISE})")
    X_new = rng.uniform(-2.0, 2.0, (500, 2))
    predicted = m.predict(data.X, data.y, X_new, *params)
    error = predicted.mean_new - truth(X_new)
    inside = np.mean(np.abs(error) < 1.96 * np.sqrt(predicted.var_new))
    rms = float(np.sqrt(np.mean(error**2)))
    print(f"500 new places: root mean squared error {rms:.3f}, {inside:.1%} within two standard deviations")
    return rms


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Gaussian process regression with learned hyper-parameters.")
    parser.add_argument("--points", type=int, default=60, help="observations to learn from")
    parser.add_argument("--starts", type=int, default=3, help="descents from different starting points")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    report(autodiffc.load(MODEL), observations(options.points, rng), options.starts, rng)


if __name__ == "__main__":
    main()
