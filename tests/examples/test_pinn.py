"""Differential equations solved by networks: residuals by differences, errors against exact solutions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import integrate

Build = Callable[..., ModuleType]
LEVELS = (0, 1, 2)


def second(f: Callable[[Any], Any], x: Any, step: float = 2e-3) -> tuple[Any, Any]:
    """The first and second derivative, to fourth order in the step."""
    a, b, c, d, e = (f(x + k * step) for k in (-2, -1, 0, 1, 2))
    return (a - 8 * b + 8 * d - e) / (12 * step), (-a + 16 * b - 30 * c + 16 * d - e) / (12 * step**2)


@pytest.mark.parametrize("level", LEVELS)
def test_losses_are_residuals(build: Build, level: int) -> None:
    """The models' own derivatives by their inputs, against differences of the network."""
    rng = np.random.default_rng(0)
    m = build("pinn_poisson", level)
    x, f, params = rng.uniform(size=9), rng.normal(size=9), m.init_params(1, H=5)
    _, bend = second(lambda x: m.predict(x, *params).u, x)
    ends = m.predict([0.0, 1.0], *params).u
    expected = 0.01 * np.mean((bend - f) ** 2) + np.sum(ends**2)
    assert m.value_and_grad(x, f, *params)[0] == pytest.approx(expected, rel=1e-6)

    m = build("pinn_burgers", level)
    t, x = rng.uniform(0.2, 0.8, (2, 9))
    params = m.init_params(2, H=5)
    change, _ = second(lambda t: m.predict(t, x, *params).u, t)
    slope, bend = second(lambda x: m.predict(t, x, *params).u, x)
    expected = np.mean((change + m.predict(t, x, *params).u * slope - 0.3 * bend) ** 2)
    assert m.value_and_grad(t, x, 0.3, *params)[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["pinn_poisson", "pinn_burgers"])
def test_gradients_are_differences(build: Build, name: str) -> None:
    rng = np.random.default_rng(3)
    m = build(name)
    inputs = (*rng.uniform(size=(2, 7)), *([0.2] if name == "pinn_burgers" else []))
    objective, theta = m.objective(*inputs, H=4), m.pack(m.init_params(4, H=4))
    along = rng.normal(size=theta.size)
    slope, _ = second(lambda s: objective(theta + s * along)[0], 0.0, 1e-3)
    assert objective(theta)[1] @ along == pytest.approx(slope, rel=1e-7)


def test_conditions_hold_whatever_the_weights(build: Build) -> None:
    m = build("pinn_burgers")
    x, params = np.linspace(-1.0, 1.0, 11), m.init_params(5, H=4)
    np.testing.assert_allclose(m.predict(np.zeros(11), x, *params).u, -np.sin(np.pi * x), atol=1e-15)
    for end in (-1.0, 1.0):
        np.testing.assert_allclose(m.predict(x, np.full(11, end), *params).u, 0.0, atol=1e-15)


def test_the_exact_solution(examples: Path) -> None:
    """Cole and Hopf's against the equation itself, integrated along lines of x."""
    sys.path.insert(0, str(examples))
    try:
        from pinn import cole_hopf
    finally:
        sys.path.remove(str(examples))
    x = np.linspace(-1.0, 1.0, 401)
    dx, nu = x[1] - x[0], 0.1

    def rate(t: float, u: Any) -> Any:
        found = np.zeros_like(u)
        found[1:-1] = nu * (u[2:] - 2 * u[1:-1] + u[:-2]) / dx**2 - u[1:-1] * (u[2:] - u[:-2]) / (2 * dx)
        return found

    solved = integrate.solve_ivp(rate, (0.0, 0.5), -np.sin(np.pi * x), method="LSODA", rtol=1e-8, atol=1e-10, lband=1, uband=1)  # fmt: skip
    np.testing.assert_allclose(cole_hopf(np.full(401, 0.5), x, nu), solved.y[:, -1], atol=2e-4)


@pytest.mark.parametrize(
    ("problem", "largest", "rms"),
    [
        (("poisson", "--steps", "1500"), 1e-4, 5e-5),
        (("burgers", "--viscosity", "0.1", "--steps", "700"), 1e-2, 3e-3),
    ],
)
def test_the_script(
    examples: Path, tmp_path: Path, problem: tuple[str, ...], largest: float, rms: float
) -> None:
    """Errors at places that were not trained on."""
    done = subprocess.run(
        [sys.executable, str(examples / "pinn.py"), *problem],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, env=dict(os.environ), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    errors = re.search(r"largest error (\S+)   rms (\S+)", done.stdout)
    assert errors is not None
    assert float(errors[1]) < largest
    assert float(errors[2]) < rms
