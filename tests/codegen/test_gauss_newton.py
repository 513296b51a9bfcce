"""Gauss and Newton's products: Jᵀ H J v, with J from a module of the residuals and H of the squares."""

from __future__ import annotations

import re
from types import ModuleType

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from autodiffc.compiler.model import CannotEmit

MODEL = """
dim T
input x, y: real[T]
param a, b: real
param w: real[T]
h = a
var z: real[T]
for t in range(T):
    if x[t] > 0:
        h = tanh(h * b + x[t] * w[t])
    else:
        h = h * w[t] + b
    for k in range(1, T):
        h = h + 0.1 * sin(h * w[k])
    z[t] = h - y[t]
"""
LOSS = "loss L = 0.5 * sum(z**2) + 3.0 * a + norm(w)**2 + 0.1 * ((x * w) @ (w * x)) + mean((w - y)**2) / 2\n"
RESIDUALS = "output r = z\ngrad r wrt a, b, w\n"
T = 5


def compiled(text: str, level: int, *emit: str) -> tuple[str, ModuleType]:
    source = autodiffc.compile(text, level=level, emit=emit)
    return source, module_of(source, f"gauss_newton_{level}")


def flat(parts: tuple[float | np.ndarray, ...]) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.parametrize("level", [0, 1, 2])
def test_products_are_those_of_the_jacobian_of_what_is_squared(level: int) -> None:
    rng = np.random.default_rng(level)
    x, y, w = rng.normal(size=(3, T))
    at, v = (x, y, 0.3, 0.7, w), (0.5, -1.2, rng.normal(size=T))
    _, of_residuals = compiled(MODEL + RESIDUALS, level, "jacobian", "gauss_newton")
    J = np.column_stack(of_residuals.jacobian(*at))
    _, of_loss = compiled(MODEL + LOSS, level, "gauss_newton")
    of_w = np.concatenate([[0.0, 0.0], (2.0 + 0.2 * x**2 + 1.0 / T) * v[2]])
    close = {"rtol": 1e-12, "atol": 1e-13}
    np.testing.assert_allclose(flat(of_residuals.gauss_newton(*at, *v)), J.T @ (J @ flat(v)), **close)
    np.testing.assert_allclose(flat(of_loss.gauss_newton(*at, *v)), J.T @ (J @ flat(v)) + of_w, **close)


def test_tangents_and_what_the_way_back_needs_come_from_one_loop() -> None:
    source, _ = compiled(MODEL + RESIDUALS, 1, "gauss_newton")
    body = source.split("def gauss_newton(")[1].split("\ndef ")[0]
    assert len(re.findall(r"^    for t in range\(T\):", body, re.MULTILINE)) == 1
    assert len(re.findall(r"^    for t in reversed\(range\(T\)\):", body, re.MULTILINE)) == 1


def test_the_square_of_a_norm() -> None:
    """Of the Euclidean one that of each element; of another one its own."""
    w, v = np.array([1.0, -2.0, 4.0]), np.array([0.5, 1.5, -1.0])
    text = "dim N\nparam w: real[N]\nloss L = norm(w{})**2\n"
    _, euclidean = compiled(text.format(""), 1, "gauss_newton")
    np.testing.assert_allclose(euclidean.gauss_newton(w, v).w, 2.0 * v, rtol=1e-14)
    _, absolute = compiled(text.format(", ord=1"), 1, "gauss_newton")
    np.testing.assert_allclose(absolute.gauss_newton(w, v).w, 2.0 * np.sign(w) * (np.sign(w) @ v), rtol=1e-14)


@pytest.mark.parametrize(
    "loss", ["sum(z**2 * w)", "sum(exp(z)) + sum(z**2)", "sum(z**2) / (1.0 + a**2)", "norm(z)"]
)
def test_what_is_no_sum_of_squares_is_refused(loss: str) -> None:
    with pytest.raises(CannotEmit, match="not a sum of squares"):
        autodiffc.compile(f"{MODEL}loss L = {loss}\n", emit=("gauss_newton",))
