"""A model that picks its parts by its data: the gradient goes back through the parts that were taken, and only those.

The reference takes the same decisions in NumPy, and its derivative by complex steps is exact to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from autodiffc.cli import main

Build = Callable[..., ModuleType]
LEVELS = (0, 1, 2)
D, H = 3, 4
SCALES = {"quiet": 0.01, "medium": 0.12, "loud": 3.0}


def reference(
    x: Any, target: float, W: Any, U: Any, V: Any, gate: Any, b: Any, w: Any
) -> tuple[Any, str, int]:
    """The loss, how loud it was, and how many refinements it took; on complex numbers by their real parts."""
    if len(x) <= 3:
        h = np.tanh(x.mean(axis=0) @ W + b)
    else:
        h = np.zeros(H)
        for word in x:
            h = np.tanh(word @ W + h @ U + b)
    loudness = (h * h).mean()
    if loudness.real > 0.25:
        h, heard = h / (1 + np.exp(-gate * loudness)), "loud"
    elif loudness.real > 0.01:
        h, heard = h / np.sqrt(loudness), "medium"
    else:
        heard = "quiet"
    z, change, steps = h, np.inf, 0
    while change > 1e-6 and steps < 100:
        new = np.tanh(h + z @ V)
        z, change, steps = new, np.abs((new - z).real).max(), steps + 1
    return (w @ z - target) ** 2, heard, steps


def slopes(data: tuple[Any, Any], params: list[Any]) -> list[Any]:
    found = [np.zeros(np.shape(p)) for p in params]
    for k, p in enumerate(params):
        for index in np.ndindex(p.shape):
            moved = [np.array(q, complex) for q in params]
            moved[k][index] += 1e-30j
            found[k][index] = reference(*data, *moved)[0].imag / 1e-30
    return found


def case(T: int, heard: str) -> tuple[tuple[Any, float], list[Any]]:
    rng = np.random.default_rng(T)
    sizes = [(D, H), (H, H), (H, H), (H,), (H,), (H,)]
    W, U, V, gate, b, w = (rng.normal(size=size) for size in sizes)
    scale = SCALES[heard]
    return (rng.normal(size=(T, D)), 0.3), [scale * W, 0.3 * U, 0.2 * V, gate, scale * b, w]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("heard", SCALES)
@pytest.mark.parametrize("T", [1, 3, 4, 9])
def test_every_way_through_the_model(build: Build, T: int, heard: str, level: int) -> None:
    data, params = case(T, heard)
    expected, branch, steps = reference(*data, *params)
    assert branch == heard
    assert 1 < steps < 100
    m = build("adaptive", level)
    value, grads = m.value_and_grad(*data, *params)
    assert value == pytest.approx(expected, rel=1e-12)
    outputs, cache = m.forward(*data, *params)
    assert value == outputs.L
    for found in (grads, m.backward(cache)):
        for gradient, slope in zip(found, slopes(data, params), strict=True):
            np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-14)
    assert (grads.U == 0).all() == (T <= 3)
    assert (grads.gate == 0).all() == (heard != "loud")


@pytest.mark.parametrize("level", LEVELS)
def test_a_refinement_that_never_settles_stops(build: Build, level: int) -> None:
    """V turns z by 90° and stretches it, and z goes round for all of the 100 steps."""
    data, params = case(2, "quiet")
    params[2] = 3.0 * np.kron(np.eye(2), [[0.0, 1.0], [-1.0, 0.0]])
    expected, _, steps = reference(*data, *params)
    assert steps == 100
    value, grads = build("adaptive", level).value_and_grad(*data, *params)
    assert value == pytest.approx(expected, rel=1e-10)
    for gradient, slope in zip(grads, slopes(data, params), strict=True):
        np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("T", ["2", "5"])
def test_check_goes_through_either_part(examples: Any, capsys: pytest.CaptureFixture[str], T: str) -> None:
    assert main(["check", str(examples / "adaptive.dsl"), "--sizes", f"T={T},D=2,H=2"]) == 0
    assert "all derivatives and values agree" in capsys.readouterr().out
