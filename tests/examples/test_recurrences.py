"""Gradients through time explode and vanish as theory says: as products of numbers, as powers of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

Build = Callable[..., ModuleType]
LEVELS = (0, 1, 2)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("b", [2.0, 0.5, -1.0])
def test_powers_of_two_are_exact(build: Build, b: float, level: int) -> None:
    """2**1000 and 2**-1000 are doubles, and so is all on the way."""
    T, a = 1000, 3.0
    z, grads = build("product_recurrence", level).value_and_grad(a, np.full(T, b))
    assert z == 3.0 * b**T
    assert grads.a == b**T
    np.testing.assert_array_equal(grads.b, np.full(T, 3.0 * b ** (T - 1)))


@pytest.mark.parametrize("level", LEVELS)
def test_beyond_the_range_of_doubles(build: Build, level: int) -> None:
    value_and_grad = build("product_recurrence", level).value_and_grad
    z, grads = value_and_grad(1.0, np.full(1074, 0.5))
    assert z == grads.a == 5e-324
    assert value_and_grad(1.0, np.full(1075, 0.5))[1].a == 0.0
    assert value_and_grad(1.0, np.full(1023, 2.0))[1].a == 2.0**1023
    assert value_and_grad(1.0, np.full(1024, 2.0))[1].a == math.inf


@pytest.mark.parametrize("level", LEVELS)
def test_a_factor_of_zero_hides_all_others(build: Build, level: int) -> None:
    b = np.array([3.0, 0.0, -2.0])
    z, grads = build("product_recurrence", level).value_and_grad(5.0, b)
    assert (z, grads.a) == (0.0, 0.0)
    np.testing.assert_array_equal(grads.b, [0.0, 5.0 * 3.0 * -2.0, 0.0])
    assert build("product_recurrence", level).value_and_grad(5.0, b[:0]) == (5.0, (1.0, pytest.approx([])))


def back(module: ModuleType, T: int, W: Any, error: Any) -> Any:
    """The gradient where h misses the target by `error` after T steps."""
    h0 = np.ones(len(W))
    target = np.linalg.matrix_power(W, T) @ h0 - error
    return module.value_and_grad(T, target, W, h0)[1]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("radius", [0.8, 1.0, 1.25])
def test_scaled_rotations_scale_by_their_radius(build: Build, radius: float, level: int) -> None:
    """|dh_0| = radius**T |error|, to rounding."""
    rng = np.random.default_rng(0)
    rotation, error = np.linalg.qr(rng.normal(size=(6, 6)))[0], rng.normal(size=6)
    for T in (0, 1, 10, 60):
        d_h0 = back(build("matrix_recurrence", level), T, radius * rotation, error).h0
        assert np.linalg.norm(d_h0) == pytest.approx(radius**T * np.linalg.norm(error), rel=1e-9)


@pytest.mark.parametrize("radius", [0.9, 1.1])
def test_any_matrix_goes_at_the_rate_of_its_spectral_radius(build: Build, radius: float) -> None:
    """Positive matrices have one eigenvalue that is larger than all others (Perron)."""
    rng = np.random.default_rng(1)
    W = rng.uniform(0.5, 1.5, (5, 5))
    W *= radius / np.abs(np.linalg.eigvals(W)).max()
    norms = [np.linalg.norm(back(build("matrix_recurrence"), T, W, np.ones(5)).h0) for T in (40, 90)]
    assert (norms[1] / norms[0]) ** (1 / 50) == pytest.approx(radius, rel=1e-8)


def test_a_jordan_block_grows_before_it_vanishes(build: Build) -> None:
    """The spectral radius is the rate in the end only: the transposed power has T r**(T-1) in it."""
    r, error = 0.9, np.array([1.0, 0.0])
    W = np.array([[r, 1.0], [0.0, r]])
    for T in (1, 10, 100):
        d_h0 = back(build("matrix_recurrence"), T, W, error).h0
        np.testing.assert_allclose(d_h0, [r**T, T * r ** (T - 1)], rtol=1e-9)


@pytest.mark.parametrize("level", LEVELS)
def test_the_matrix_gets_the_sum_over_all_steps(build: Build, level: int) -> None:
    rng = np.random.default_rng(2)
    W, error, T = rng.normal(size=(4, 4)) / 2, rng.normal(size=4), 9
    power = np.linalg.matrix_power
    expected = sum(np.outer(power(W.T, T - 1 - t) @ error, power(W, t) @ np.ones(4)) for t in range(T))
    np.testing.assert_allclose(back(build("matrix_recurrence", level), T, W, error).W, expected, rtol=1e-10)
