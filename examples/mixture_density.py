"""A mixture density network learns the many-valued inverse of a function: Bishop's toy problem (1994).

    python examples/mixture_density.py --components 5

draws x = t + 0.3 sin(2πt) + noise, and fits densities p(t|x) to the pairs the other way round, where up to
three values of t belong to an x: one Gaussian with its mean and width from a network, then a mixture of
them. Compares the likelihoods of points held out.
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

MODEL = Path(__file__).with_name("mixture_density.dsl")
NOISE = 0.1
Array = NDArray[np.float64]


class Pairs(NamedTuple):
    x: Array
    t: Array


def draw(points: int, rng: np.random.Generator) -> Pairs:
    t = rng.uniform(0.0, 1.0, points)
    return Pairs(t + 0.3 * np.sin(2.0 * np.pi * t) + rng.uniform(-NOISE, NOISE, points), t)


def fit(m: ModuleType, pairs: Pairs, hidden: int, components: int, starts: int, steps: int, seed: int) -> Any:
    """The params that make the pairs likeliest, the best of several descents."""
    sizes = {"H": hidden, "K": components}
    objective = m.objective(*pairs, **sizes)
    found = [
        optimize.minimize(
            objective,
            m.pack(m.init_params(seed + start, **sizes)),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": steps, "maxfun": 2 * steps},
        )
        for start in range(starts)
    ]
    return m.unpack(min(found, key=lambda result: result.fun).x, **sizes)


def compare(
    points: int, hidden: int, components: int, starts: int, steps: int, seed: int
) -> tuple[float, float]:
    """Mean log likelihoods of held-out points: of one Gaussian, and of the mixture."""
    rng = np.random.default_rng(seed)
    m = autodiffc.load(MODEL)
    pairs, held_out = draw(points, rng), draw(points, rng)
    found = []
    for count in (1, components):
        params = fit(m, pairs, hidden, count, starts, steps, seed)
        found.append(-float(m.forward(*held_out, *params)[0].L))
        print(f"{count} component{'s' if count > 1 else ' '}   mean log likelihood {found[-1]:6.3f}")
    show(m, params)
    return found[0], found[1]


def show(m: ModuleType, params: Any) -> None:
    """The components that matter at three places: in the middle, three answers."""
    x = np.array([0.1, 0.5, 0.9])
    outputs = m.predict(x, *params)
    for i, place in enumerate(x):
        weights = np.exp(outputs.log_w[i])
        parts = sorted(
            (f"{mu:.2f} ± {s:.2f} ({w:.0%})", mu)
            for w, mu, s in zip(weights, outputs.mu[i], outputs.sigma[i])
            if w > 0.01
        )
        print(f"x = {place}: t = " + ", ".join(text for text, _ in parts))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="A mixture density network on Bishop's inverse problem.")
    parser.add_argument("--points", type=int, default=1000, help="to learn from, and as many held out")
    parser.add_argument("--hidden", type=int, default=10)
    parser.add_argument("--components", type=int, default=5)
    parser.add_argument("--starts", type=int, default=3, help="descents from different starting points")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    compare(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
