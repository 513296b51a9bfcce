"""Peaks fitted to a noisy spectrum with scipy_peaks.dsl and SciPy's least_squares.

    python examples/scipy_peaks.py --points 300 --outliers 20

draws a spectrum of three peaks, spoils some points, and fits it twice: by least squares, and with a loss
that grows slower than the square, so that the spoilt points count for little.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
from numpy.typing import NDArray

try:
    from scipy import optimize
except ImportError:
    raise SystemExit("the optimiser comes with SciPy: pip install scipy") from None

MODEL = Path(__file__).with_name("scipy_peaks.dsl")
NOISE = 0.05
HEIGHT, CENTRE, WIDTH = [3.0, 2.0, 1.0], [2.0, 4.5, 8.0], [0.5, 0.9, 0.6]
OFFSET, SLOPE = 0.5, 0.1
Array = NDArray[np.float64]


def spectrum(m: ModuleType, points: int, outliers: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Places and what was measured there."""
    x = np.linspace(0.0, 10.0, points)
    truth = m.Params(HEIGHT, CENTRE, WIDTH, OFFSET, SLOPE)
    y: Array = m.predict(x, np.zeros(points), *truth).spectrum + NOISE * rng.normal(size=points)
    y[rng.choice(points, outliers, replace=False)] += rng.uniform(1.0, 5.0, outliers)
    return x, y


def fitted(m: ModuleType, x: Array, y: Array, loss: str) -> Any:
    """The params of the peaks, from a rough guess of their places."""
    K = len(CENTRE)
    start = m.init_params(K=K)._replace(centre=np.linspace(2.0, 8.0, K))
    fit = m.residuals(x, y, K=K)
    found = optimize.least_squares(
        fit.fun, m.pack(start), fit.jac, fit.bounds(start), loss=loss, f_scale=2.0 * NOISE, x_scale="jac"
    )
    return m.unpack(found.x, K=K)


def report(m: ModuleType, x: Array, y: Array) -> None:
    """Print what each loss finds."""
    for loss in ("linear", "soft_l1"):
        params = fitted(m, x, y, loss)
        print(f"loss {loss}")
        rows = zip(params.height, params.centre, params.width)
        for true, found in zip(zip(HEIGHT, CENTRE, WIDTH), rows):
            named = zip(("height", "centre", "width"), found, true)
            print("   ", "   ".join(f"{name} {value:7.3f} ({wanted})" for name, value, wanted in named))
        print(f"    baseline {params.offset:.3f} + {params.slope:.3f} x ({OFFSET} + {SLOPE} x)")


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Peaks fitted to a spectrum; true values in parentheses.")
    parser.add_argument("--points", type=int, default=300, help="points of the spectrum")
    parser.add_argument("--outliers", type=int, default=20, help="how many of them are spoilt")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    m = autodiffc.load(MODEL, emit=["jacobian"])
    report(m, *spectrum(m, options.points, options.outliers, np.random.default_rng(options.seed)))


if __name__ == "__main__":
    main()
