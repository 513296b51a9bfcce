"""Models that compute with derivatives, and k-means' Hessian: against formulas, differences and JAX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
import pytest
from scipy import optimize

LEVELS = (0, 1, 2)
every_level = pytest.mark.parametrize("level", LEVELS)


def module(examples: Path, name: str, level: int, *emit: str) -> ModuleType:
    return autodiffc.load(examples / f"{name}.dsl", level=level, emit=emit)


def slopes(f: Callable[[Any], Any], at: Any, step: float = 1e-4) -> Any:
    """Differences along each coordinate, to fourth order in the step."""
    columns = []
    for e in step * np.eye(at.size):
        near, far = (np.asarray(f(at + k * e)) - f(at - k * e) for k in (1, 2))
        columns.append((8 * near - far) / (12 * step))
    return np.array(columns)


# --- k-means ---------------------------------------------------------------------------------------


def clusters(count: int, centres: int, dims: int, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dims)), rng.normal(size=(centres, dims))


@every_level
def test_the_diagonal_of_k_means(examples: Path, level: int) -> None:
    """Twice the number of points that a centre is nearest to, by one product with ones."""
    m = module(examples, "kmeans", level, "hvp", "hessian")
    points, centres = clusters(200, 7, 3, 0)
    nearest = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    counts = 2.0 * np.bincount(nearest, minlength=7)
    diagonal = m.hvp(points, centres, np.ones_like(centres)).centres
    np.testing.assert_array_equal(diagonal, np.repeat(counts[:, None], 3, axis=1))
    np.testing.assert_array_equal(m.hessian(points, centres), np.diag(diagonal.ravel()))


@every_level
def test_one_colour_is_all_that_it_takes(examples: Path, level: int) -> None:
    m = module(examples, "kmeans", level, "hessian")
    points, centres = clusters(50, 4, 2, 1)
    colouring = m.hessian_colouring(C=4, D=2)
    np.testing.assert_array_equal(colouring.rows, np.arange(8))
    np.testing.assert_array_equal(colouring.cols, np.arange(8))
    assert set(colouring.colours) == {0}
    sparse = m.sparse_hessian(points, centres, colouring=colouring)
    np.testing.assert_array_equal(sparse.values, m.hessian(points, centres).diagonal())


@every_level
def test_newton_on_k_means_is_lloyds_step(examples: Path, level: int) -> None:
    """Centres move to the means of their points (Bottou & Bengio 1995)."""
    m = module(examples, "kmeans", level, "hvp")
    points, centres = clusters(300, 5, 2, 2)
    nearest = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    gradient = m.grad(points, centres).centres
    moved = centres - gradient / m.hvp(points, centres, np.ones_like(centres)).centres
    expected = [points[nearest == k].mean(axis=0) for k in range(5)]
    np.testing.assert_allclose(moved, expected, rtol=1e-12, atol=1e-13)


# --- Newton's method in a model --------------------------------------------------------------------


def orbit(t: Any, a: float, e: float, n: float, phase: float) -> tuple[Any, Any]:
    """Anomalies by bisection, and places."""
    M = n * t + phase
    E = np.array([optimize.brentq(lambda E, m=m: E - e * np.sin(E) - m, m - 1, m + 1, xtol=1e-15) for m in M])
    return E, np.stack([a * (np.cos(E) - e), a * np.sqrt(1 - e**2) * np.sin(E)], axis=1)


@every_level
def test_keplers_equation_is_solved(examples: Path, level: int) -> None:
    t = np.linspace(0.0, 9.0, 13)
    anomaly, places = orbit(t, 1.3, 0.6, 0.8, 0.4)
    m = module(examples, "kepler", level)
    found = m.predict(t, places, 1.3, 0.6, 0.8, 0.4)
    np.testing.assert_allclose(found.anomaly, anomaly, rtol=1e-13)
    np.testing.assert_allclose(found.misses, 0.0, atol=1e-13)


@every_level
def test_derivatives_go_through_newtons_steps(examples: Path, level: int) -> None:
    """Where the equation is solved, they are those of the implicit function: dE/de = sin(E) / (1 - e cos(E))."""
    t = np.linspace(0.0, 9.0, 13)
    theta = np.array([1.3, 0.5, 0.8, 0.4])
    E, places = orbit(t, 1.2, 0.45, 0.82, 0.3)
    m = module(examples, "kepler", level, "hvp", "hessian")
    objective = m.objective(t, places)
    E, seen_there = orbit(t, *theta)
    a, e, _, _ = theta
    by_E = np.stack([-a * np.sin(E), a * np.sqrt(1 - e**2) * np.cos(E)], axis=1)
    slope = 1 / (1 - e * np.cos(E))
    own = np.zeros((4, 13, 2))
    own[0] = seen_there / a
    own[1] = np.stack([np.full(13, -a), -a * e / np.sqrt(1 - e**2) * np.sin(E)], axis=1)
    moves = np.stack([np.zeros(13), np.sin(E) * slope, t * slope, slope])
    J = own + moves[:, :, None] * by_E
    np.testing.assert_allclose(
        objective(theta)[1], 2 * (J * (seen_there - places)).sum(axis=(1, 2)), rtol=1e-10
    )
    H = m.hessian(t, places, *theta)
    np.testing.assert_allclose(H, slopes(lambda p: objective(p)[1], theta), rtol=1e-8)


def test_an_orbit_is_fitted(examples: Path) -> None:
    t = np.linspace(0.0, 12.0, 25)
    _, places = orbit(t, 1.2, 0.3, 0.7, 0.5)
    m = module(examples, "kepler", 1, "hessian")
    start = m.pack(m.Params(a=1.0, e=0.2, n=0.68, phase=0.6))
    found = optimize.minimize(
        m.objective(t, places), start, jac=True, method="trust-constr", hess=m.objective_hess(t, places),
        bounds=m.bounds(m.unpack(start)), options={"gtol": 1e-12, "xtol": 1e-14},
    )  # fmt: skip
    np.testing.assert_allclose(found.x, [1.2, 0.3, 0.7, 0.5], atol=1e-5)


# --- unrolled descent ------------------------------------------------------------------------------


def tasks(seed: int, count: int = 3, examples: int = 4, features: int = 2) -> list[Any]:
    rng = np.random.default_rng(seed)
    x, x_new = rng.normal(size=(2, count, examples, features))
    truth = rng.normal(size=(count, features))
    y, y_new = (np.tanh(np.einsum("snd,sd->sn", a, truth)) for a in (x, x_new))
    return [x, x_new, y, y_new]


def learned(w: Any, log_rate: Any, x: Any, x_new: Any, y: Any, y_new: Any) -> float:
    """few_shot.dsl by hand: the gradient of mean((tanh(x w) - y)²) is written out."""
    total = 0.0
    for xs, xn, ys, yn in zip(x, x_new, y, y_new):
        z = w
        for _ in range(3):
            p = np.tanh(xs @ z)
            z = z - np.exp(log_rate) * (xs.T @ (2 * (p - ys) * (1 - p**2))) / len(ys)
        total += np.mean((np.tanh(xn @ z) - yn) ** 2)
    return float(total / len(x))


@every_level
def test_learning_to_learn(examples: Path, level: int) -> None:
    data, theta = tasks(0), np.array([0.3, -0.2, -1.0, -0.5])
    m = module(examples, "few_shot", level, "hessian")

    def by_hand(theta: Any) -> float:
        return learned(theta[:2], theta[2:], *data)

    value, gradient = m.objective(*data)(theta)
    assert value == pytest.approx(by_hand(theta), rel=1e-13)
    np.testing.assert_allclose(gradient, slopes(by_hand, theta, 1e-3), rtol=1e-8)
    H = m.objective_hess(*data)(theta)
    np.testing.assert_allclose(H, slopes(lambda p: m.objective(*data)(p)[1], theta), rtol=1e-8, atol=1e-9)


def test_learning_to_learn_against_jax(examples: Path) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    jax.config.update("jax_enable_x64", True)
    jnp, data, theta = jax.numpy, tasks(1), np.array([0.1, 0.4, -0.7, -1.2])

    def error(w: Any, x: Any, y: Any) -> Any:
        return jnp.mean((jnp.tanh(x @ w) - y) ** 2)

    def loss(theta: Any) -> Any:
        total = 0.0
        for x, x_new, y, y_new in zip(*data):
            z = theta[:2]
            for _ in range(3):
                z = z - jnp.exp(theta[2:]) * jax.grad(error)(z, x, y)
            total = total + error(z, x_new, y_new)
        return total / len(data[0])

    m = module(examples, "few_shot", 1, "hessian")
    np.testing.assert_allclose(m.objective(*data)(theta)[1], jax.grad(loss)(theta), rtol=1e-11)
    np.testing.assert_allclose(m.objective_hess(*data)(theta), jax.hessian(loss)(theta), rtol=1e-10)


def test_meta_learning_lowers_the_error_of_new_tasks(examples: Path) -> None:
    m = module(examples, "few_shot", 1)
    rng = np.random.default_rng(5)

    def around(seed: int) -> list[Any]:  # tasks that are alike: truths around (1, -2)
        x, x_new = np.random.default_rng(seed).normal(size=(2, 20, 5, 2))
        truth = np.array([1.0, -2.0]) + 0.3 * rng.normal(size=(20, 2))
        y, y_new = (np.tanh(np.einsum("snd,sd->sn", a, truth)) for a in (x, x_new))
        return [x, x_new, y, y_new]

    train, held_out = around(1), around(2)
    start = m.pack(m.init_params(0, D=2))
    found = optimize.minimize(m.objective(*train), start, jac=True, method="L-BFGS-B")
    assert m.objective(*held_out)(found.x)[0] < 0.2 * m.objective(*held_out)(start)[0]
