"""What a Hessian times a vector costs, in gradients; that of k-means with ones is its whole Hessian.

    for title, gradient, product in hessian_products(batch=0.04, rounds=25): …

Both are timed in the same rounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import autodiffc
import numpy as np

from .timing import Call, interleaved
from .workload import EXAMPLES

Case = tuple[str, str, tuple[Any, ...], tuple[Any, ...]]


def cases() -> list[Case]:
    """Title, example, inputs, params."""
    rng = np.random.default_rng(1)
    points, centres = rng.normal(size=(20_000, 8)), rng.normal(size=(10, 8))
    x, y = rng.normal(size=(512, 64)), rng.integers(0, 10, 512)
    weights = (rng.normal(size=(64, 64)) / 8, np.zeros(64), rng.normal(size=(64, 10)) / 8, np.zeros(10))
    places = tuple(rng.uniform(size=(2, 500)))
    pinn = autodiffc.load(EXAMPLES / "pinn_burgers.dsl", emit=["hvp"])
    return [
        ("k-means 20000×8, 10 centres", "kmeans", (points,), (centres,)),
        ("classifier 512×64-64-10", "classifier", (x, y), weights),
        (
            "Burgers' network, 500 places, 16 units",
            "pinn_burgers",
            (*places, 0.1),
            tuple(pinn.init_params(0, H=16)),
        ),
    ]


def calls(case: Case) -> dict[str, Call]:
    """The gradient, and the product with ones."""
    _, name, inputs, params = case
    module = autodiffc.load(EXAMPLES / f"{name}.dsl", level=2, emit=["hvp"])
    along = tuple(np.ones_like(value) for value in params)
    return {
        "gradient": (module.grad, (*inputs, *params)),
        "product": (module.hvp, (*inputs, *params, *along)),
    }


def hessian_products(batch: float, rounds: int, busy: bool) -> Iterator[tuple[str, list[float], list[float]]]:
    """Each case's title, and the times of its gradient and of the product, round by round."""
    for case in cases():
        times = interleaved(calls(case), batch, rounds, busy)
        yield case[0], times["gradient"], times["product"]
