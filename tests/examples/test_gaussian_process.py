"""Gaussian process regression: the likelihood against SciPy's, the gradient against the textbook's formula.

The hyper-parameters that the emitted gradient leads to are those that SciPy finds from differences.
"""

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
from scipy import optimize, stats

LEVELS = (0, 1, 2)
Build = Callable[..., ModuleType]
THETA = np.array([0.2, -0.4, 0.3, -1.1])  # two lengthscales, amplitude, noise; all logarithms


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(11)
    X = rng.uniform(-2.0, 2.0, (25, 2))
    return X, np.sin(2.0 * X[:, 0]) * X[:, 1] + 0.2 * rng.normal(size=25)


def kernel(A: Any, B: Any, theta: Any) -> Any:
    difference = (A[:, None] - B) / np.exp(theta[:2])
    return np.exp(2 * theta[2]) * np.exp(-0.5 * (difference**2).sum(-1))


def covariance(X: Any, theta: Any) -> Any:
    return kernel(X, X, theta) + np.exp(2 * theta[3]) * np.eye(len(X))


def negative_log_likelihood(theta: Any, X: Any, y: Any) -> float:
    return -float(stats.multivariate_normal.logpdf(y, np.zeros(len(y)), covariance(X, theta)))


def textbook_gradient(theta: Any, X: Any, y: Any) -> list[float]:
    """½ tr((K⁻¹ - α αᵀ) ∂K/∂θ), Rasmussen and Williams (2006), eq. 5.9."""
    inverse = np.linalg.inv(covariance(X, theta))
    alpha = inverse @ y
    K = kernel(X, X, theta)
    slopes = [K * ((X[:, None, d] - X[:, d]) / np.exp(theta[d])) ** 2 for d in range(2)]
    slopes += [2 * K, 2 * np.exp(2 * theta[3]) * np.eye(len(X))]
    return [0.5 * float(np.sum((inverse - np.outer(alpha, alpha)) * slope)) for slope in slopes]


@pytest.mark.parametrize("level", LEVELS)
def test_likelihood_and_gradient(build: Build, data: tuple[Any, Any], level: int) -> None:
    m = build("gaussian_process", level)
    for theta in (THETA, np.zeros(4), np.array([1.0, 2.0, -0.5, -3.0])):
        value, grads = m.value_and_grad(*data, data[0][:3], *m.unpack(theta, D=2))
        assert value == pytest.approx(negative_log_likelihood(theta, *data), rel=1e-11)
        np.testing.assert_allclose(m.pack(grads), textbook_gradient(theta, *data), rtol=1e-8, atol=1e-9)


def test_predictions(build: Build, data: tuple[Any, Any]) -> None:
    X, y = data
    X_new = np.random.default_rng(3).uniform(-2.0, 2.0, (7, 2))
    m = build("gaussian_process")
    found = m.predict(X, y, X_new, *m.unpack(THETA, D=2))
    cross, inverse = kernel(X_new, X, THETA), np.linalg.inv(covariance(X, THETA))
    np.testing.assert_allclose(found.mean_new, cross @ inverse @ y, rtol=1e-10)
    expected = np.exp(2 * THETA[2]) - np.einsum("mi,ij,mj->m", cross, inverse, cross)
    np.testing.assert_allclose(found.var_new, expected, rtol=1e-8)
    assert (found.var_new > 0.0).all()


def test_learning_reaches_the_optimum_of_finite_differences(build: Build, data: tuple[Any, Any]) -> None:
    X, y = data
    m = build("gaussian_process")
    start = m.pack(m.init_params(D=2))
    found = optimize.minimize(m.objective(X, y, X[:0]), start, jac=True, method="L-BFGS-B", tol=1e-12)
    reference = optimize.minimize(
        negative_log_likelihood, start, (X, y), method="BFGS", options={"gtol": 1e-4}
    )
    assert found.fun == pytest.approx(reference.fun, rel=1e-7)
    assert found.fun <= reference.fun + 1e-7
    np.testing.assert_allclose(found.x, reference.x, atol=1e-3)
    assert found.fun < negative_log_likelihood(start, X, y) - 1.0


def test_the_script(examples: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(examples / "gaussian_process.py"), "--points", "40", "--seed", "1"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
    rms = re.search(r"root mean squared error ([\d.]+), ([\d.]+)% within", done.stdout)
    assert rms is not None, done.stdout
    assert float(rms[1]) < 0.1
    assert float(rms[2]) > 85.0
