"""Twelve functions of Moré, Garbow and Hillstrom, two of them in two sizes: values, gradients, minima.

    m = build("mgh/watson", 1, n=9)
    m.value_and_grad(x0)[0] == 30.0

Expected figures come from another system's derivatives in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import optimize

INDEX = "mgh/index.json"
LEVELS = (0, 1, 2)
SIZES = {
    "watson_n6": ("watson", {}),
    "watson_n9": ("watson", {"n": 9}),
    "penalty1_n4": ("penalty1", {}),
    "penalty1_n10": ("penalty1", {}),
    "broyden_tridiagonal_n10": ("broyden_tridiagonal", {}),
}
KEYS = """rosenbrock powell_badly_scaled beale helical_valley meyer box3d wood kowalik_osborne osborne1
          watson_n6 watson_n9 penalty1_n4 penalty1_n10 broyden_tridiagonal_n10""".split()  # noqa: SIM905
Build = Callable[..., ModuleType]
Index = Callable[[str], Any]


def module(build: Build, key: str, level: int = 1) -> ModuleType:
    name, dims = SIZES.get(key, (key, {}))
    return build(f"mgh/{name}", level, **dims)


def run_time_dims(key: str, n: int) -> dict[str, int]:
    """What a model whose size is known at run time alone has to be told."""
    return {"n": n} if key.startswith(("penalty1", "broyden")) else {}


def objective_of(build: Build, key: str, level: int, n: int) -> Any:
    return module(build, key, level).objective(**run_time_dims(key, n))


def test_every_function_has_its_model(index: Index) -> None:
    assert sorted(index(INDEX)) == sorted(KEYS)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("point", ["x0", "x1"])
@pytest.mark.parametrize("key", KEYS)
def test_value_and_gradient(build: Build, index: Index, key: str, point: str, level: int) -> None:
    case = index(INDEX)[key]
    value, gradient = objective_of(build, key, level, case["n"])(np.array(case[point]))
    assert value == pytest.approx(case[f"f_{point}"], rel=1e-13)
    expected = np.array(case[f"grad_{point}"])
    assert np.abs(gradient - expected).max() <= 1e-13 * np.abs(expected).max()


@pytest.mark.parametrize("key", KEYS)
def test_minimum(build: Build, index: Index, key: str) -> None:
    """BFGS from x0 in units of its numbers, restarted until it stands still, reaches the known minimum."""
    case = index(INDEX)[key]
    objective = objective_of(build, key, 1, case["n"])
    x = np.array(case["x0"])
    for _ in range(30):
        units = np.where(x == 0, 1.0, np.abs(x))
        x = descend(objective, x, units)
    expected = case["f_at_minimiser_float64"]
    assert objective(x)[0] <= expected * (1 + 1e-11) + 1e-20
    assert objective(x)[0] >= case["f_star"] * (1 - 1e-11)


def descend(objective: Any, x: Any, units: Any) -> Any:
    """One run of SciPy's BFGS in u = x / units, on f / f(x)."""
    scale = objective(x)[0] or 1.0

    def scaled(u: Any) -> tuple[float, Any]:
        value, gradient = objective(u * units)
        return value / scale, gradient * units / scale

    return units * optimize.minimize(scaled, x / units, jac=True, method="BFGS", options={"gtol": 1e-10}).x


@pytest.mark.parametrize("key", KEYS)
def test_initial_values(build: Build, index: Index, key: str) -> None:
    """init_params gives x0, but for Penalty I, whose x0 counts up."""
    case = index(INDEX)[key]
    m = module(build, key)
    start = m.pack(m.init_params(**run_time_dims(key, case["n"])))
    assert start.tolist() == ([0.0] * case["n"] if key.startswith("penalty1") else case["x0"])
