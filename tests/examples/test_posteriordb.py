"""Three posteriors of posteriordb: log densities and gradients at the points that Stan was run at, too.

    build("posteriordb/arK").value_and_grad(y, alpha, beta, sigma)[0] == point["log_density"]

Over the parameters as they are, and over all of R^n with the logarithm of the Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

Build = Callable[..., ModuleType]
Index = Callable[[str], Any]
LEVELS = (0, 1, 2)
# model: the reference, its data, the model's inputs, its params as the reference calls them
POSTERIORS = {
    "eight_schools": ("eight_schools-eight_schools_noncentered", "eight_schools", "y sigma", "theta_trans mu tau"),
    "arK": ("arK-arK", "arK", "y", "alpha beta sigma"),
    "wells": ("wells_data-wells_dae_model", "wells_data", "switched dist arsenic educ", "alpha beta"),
}  # fmt: skip
RELATIVE = 1e-11

every_posterior = pytest.mark.parametrize("name", POSTERIORS)
every_level = pytest.mark.parametrize("level", LEVELS)


def inputs_of(index: Index, name: str) -> list[Any]:
    _, file, inputs, _ = POSTERIORS[name]
    data = index(f"posteriordb/{file}.json")
    return [
        np.array(data[key]) if key == "switched" else np.array(data[key], float) for key in inputs.split()
    ]


def points_of(index: Index, name: str) -> list[Any]:
    found: list[Any] = index(f"posteriordb/{POSTERIORS[name][0]}.ref.json")["points"]
    assert len(found) == 3
    return found


@every_level
@every_posterior
def test_over_the_parameters(build: Build, index: Index, name: str, level: int) -> None:
    module, inputs = build(f"posteriordb/{name}", level), inputs_of(index, name)
    names = POSTERIORS[name][3].split()
    for point in points_of(index, name):
        params = [point["constrained"][p] for p in names]
        value, gradient = module.value_and_grad(*inputs, *params)
        assert value == pytest.approx(point["log_density"], rel=RELATIVE)
        for found, p in zip(gradient, names, strict=True):
            np.testing.assert_allclose(found, point["grad_constrained"][p], rtol=RELATIVE)


@every_level
@every_posterior
def test_over_the_whole_space(build: Build, index: Index, name: str, level: int) -> None:
    model = name if name == "wells" else f"{name}_unconstrained"  # wells has no constraint
    objective = build(f"posteriordb/{model}", level).objective(*inputs_of(index, name), **sizes(name))
    for point in points_of(index, name):
        value, gradient = objective(np.array(point["u"]))
        assert value == pytest.approx(point["log_density_unconstrained"], rel=RELATIVE)
        np.testing.assert_allclose(gradient, point["grad_unconstrained_with_jacobian"], rtol=RELATIVE)


def sizes(name: str) -> dict[str, int]:
    """What the data don't tell: the order of the autoregression."""
    return {"K": 5} if name == "arK" else {}
