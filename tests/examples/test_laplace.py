"""Laplace's approximation of posteriors: Hessians against closed forms and differences, moments against posteriordb.

Where the posterior is nearly normal its moments are those of the approximation; the draws weighted by the
exact density say so too.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

Cases = Callable[[str], Path]
Index = Callable[[str], Any]
FILES = {"arK": "arK", "eight_schools": "eight_schools", "wells": "wells_data"}


@pytest.fixture(scope="module")
def script(examples: Path) -> Any:
    spec = importlib.util.spec_from_file_location("laplace", examples / "posteriordb" / "laplace.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def data(index: Index) -> Callable[[str], Any]:
    return lambda name: index(f"posteriordb/{FILES[name]}.json")


def modes(script: Any, data: Callable[[str], Any], name: str) -> tuple[ModuleType, Any, Any]:
    m = script.load(name)
    return m, data(name), script.laplace(m, data(name))


@pytest.mark.parametrize("name", FILES)
def test_the_hessian_is_the_difference_of_the_gradient(script: Any, data: Any, name: str) -> None:
    m, given, normal = modes(script, data, name)
    slope, hessian = script.bound(m.objective, m, given), script.bound(m.objective_hess, m, given)
    for theta in (normal.mode, normal.mode + 0.1):
        H = hessian(theta)
        np.testing.assert_allclose(H, H.T, rtol=1e-10, atol=1e-9)
        columns = []
        for e in 1e-4 * np.eye(theta.size):
            near, far = (slope(theta + k * e)[1] - slope(theta - k * e)[1] for k in (1, 2))
            columns.append((8 * near - far) / 12e-4)
        np.testing.assert_allclose(H, np.array(columns), rtol=1e-6, atol=1e-7 * abs(H).max())


@pytest.mark.parametrize("name", FILES)
def test_newton_finds_the_mode(script: Any, data: Any, name: str) -> None:
    m, given, normal = modes(script, data, name)
    gradient = script.bound(m.objective, m, given)(normal.mode)[1]
    assert np.abs(gradient @ normal.covariance @ gradient) < 1e-12
    assert (np.linalg.eigvalsh(normal.covariance) > 0.0).all()


def test_wells_is_the_textbooks_logistic_regression(script: Any, data: Any) -> None:
    """Fisher scoring, and (Xᵀ W X)⁻¹."""
    _, given, normal = modes(script, data, "wells")
    rows = [given["dist"], given["arsenic"], given["educ"]]
    X = np.stack([np.ones(len(rows[0])), *(np.array(r) / c for r, c in zip(rows, (100, 1, 4)))], axis=1)
    w = np.zeros(4)
    for _ in range(12):
        p = 1 / (1 + np.exp(-X @ w))
        information = (X.T * (p * (1 - p))) @ X
        w = w + np.linalg.solve(information, X.T @ (np.array(given["switched"]) - p))
    np.testing.assert_allclose(normal.mode, w, rtol=1e-8)
    np.testing.assert_allclose(normal.covariance, np.linalg.inv(information), rtol=1e-8)


def test_ark_has_the_means_of_posteriordb(script: Any, data: Any, index: Index) -> None:
    """The third point of the reference is the posterior's mean."""
    _, _, normal = modes(script, data, "arK")
    mean = index("posteriordb/arK-arK.ref.json")["points"][2]["constrained"]
    expected = np.array([mean["alpha"], *mean["beta"]])
    assert (
        np.abs(normal.mode - [*expected, np.log(mean["sigma"])]) < [*6 * [0.05], 0.5] * normal.deviations
    ).all()
    *_, log_mean = normal.mode + normal.covariance.diagonal() / 2  # of a lognormal
    assert np.exp(log_mean) == pytest.approx(mean["sigma"], rel=0.02)


@pytest.mark.parametrize(("name", "share"), [("wells", 0.95), ("arK", 0.7)])
def test_where_laplace_is_near(script: Any, data: Any, name: str, share: float) -> None:
    m, given, normal = modes(script, data, name)
    exact = script.weighted(m, given, normal, 2000, 1)
    assert exact.worth > share * 2000
    assert (np.abs(exact.means - normal.mode) < 0.45 * normal.deviations).all()
    np.testing.assert_allclose(exact.deviations, normal.deviations, rtol=0.1)


def test_where_it_is_not(script: Any, data: Any) -> None:
    """Eight schools' posterior is a funnel, which its weighted draws tell."""
    m, given, normal = modes(script, data, "eight_schools")
    assert script.weighted(m, given, normal, 2000, 1).worth < 200


def test_the_command(examples: Path, cases: Cases, tmp_path: Path) -> None:
    data = cases("posteriordb/wells_data.json")
    command = [
        sys.executable,
        str(examples / "posteriordb" / "laplace.py"),
        "wells",
        str(data),
        "--draws",
        "500",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 6
