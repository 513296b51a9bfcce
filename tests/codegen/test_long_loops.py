"""Loops of many steps: the code doesn't grow with them, time grows in proportion, memory as far as was asked for.

for t in range(T) checkpoint:       # some 2 sqrt(T) states in place of T
"""

from __future__ import annotations

import math
import re
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import autodiffc
import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LEVELS = (0, 1, 2)


def compiled(folder: Path, model: str, level: int) -> Any:
    path = folder / "model.dsl"
    path.write_text(model, encoding="utf-8")
    return autodiffc.load(path, level=level)


# --- size ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "name", ["adbench/lstm", "char_rnn", "char_lstm", "hidden_markov", "product_recurrence"]
)
def test_the_code_does_not_grow_with_the_steps(name: str, level: int) -> None:
    """As many bytes but for digits, and for expressions that longer numbers leave no room for on a line."""
    source = (EXAMPLES / f"{name}.dsl").read_text(encoding="utf-8")
    few_steps = 16 if level < 2 else 1024  # small arrays of fixed size have no buffers
    texts = [autodiffc.compile(source, level=level, dims={"T": T}) for T in (few_steps, 4096)]
    few, many = (len(re.sub(r"\d+|\s+", "", text)) for text in texts)
    assert abs(many - few) <= 0.005 * few


# --- time ------------------------------------------------------------------------------------------

PENDULUM = """
input T: int >= 0
param x0, r: real
x, v = x0, 0.0
for t in range(T):
    v = v - r * sin(x)
    x = x + 0.01 * v
loss L = x**2 + v**2
"""


def pendulum(T: int, x0: float, r: float) -> tuple[float, list[float]]:
    """The value and both slopes, carried forward in time together with it."""
    x, v, dx, dv = x0, 0.0, [1.0, 0.0], [0.0, 0.0]
    for _ in range(T):
        s, c = math.sin(x), math.cos(x)
        dv = [dv[0] - r * c * dx[0], dv[1] - r * c * dx[1] - s]
        v -= r * s
        x += 0.01 * v
        dx = [a + 0.01 * b for a, b in zip(dx, dv, strict=True)]
    return x**2 + v**2, [2 * x * a + 2 * v * b for a, b in zip(dx, dv, strict=True)]


@pytest.mark.parametrize("level", LEVELS)
def test_scalars_through_100_000_steps(tmp_path: Path, level: int) -> None:
    m = compiled(tmp_path, PENDULUM, level)
    expected, slopes = pendulum(100_000, 0.5, 0.02)
    start = time.perf_counter()
    value, grads = m.value_and_grad(100_000, 0.5, 0.02)
    assert time.perf_counter() - start < 3.0
    assert value == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(grads, slopes, rtol=1e-9)


NETWORK = """
dim T, H
input x: real[T, H]
param U: real[H, H]
param b: real[H]
h, s = zeros(H), 0.0
for t in range(T)CHECKPOINT:
    h = tanh(x[t] + h @ U + b)
    s = 0.9 * s + h[0]
loss L = s + sum(h**2)
"""


def plain(T: int, H: int, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(T, H)), rng.normal(size=(H, H)) / math.sqrt(H), rng.normal(size=H)]


def by_hand(x: Any, U: Any, b: Any) -> tuple[float, Any, Any]:
    """Backpropagation through time as in the textbook."""
    hs, s = [np.zeros(len(b))], 0.0
    for row in x:
        hs.append(np.tanh(row + hs[-1] @ U + b))
        s = 0.9 * s + float(hs[-1][0])
    d_h, d_s, d_U, d_b = 2 * hs[-1], 1.0, np.zeros_like(U), np.zeros_like(b)
    for before, h in zip(hs[-2::-1], hs[:0:-1], strict=True):
        d_h[0] += d_s
        d_z = d_h * (1 - h * h)
        d_U += np.outer(before, d_z)
        d_b += d_z
        d_h, d_s = U @ d_z, 0.9 * d_s
    return s + float(hs[-1] @ hs[-1]), d_U, d_b


@pytest.mark.parametrize("checkpoint", ["", " checkpoint"])
def test_a_vector_through_100_000_steps(tmp_path: Path, checkpoint: str) -> None:
    m = compiled(tmp_path, NETWORK.replace("CHECKPOINT", checkpoint), 1)
    arguments = plain(100_000, 3)
    expected, *slopes = by_hand(*arguments)
    start = time.perf_counter()
    value, grads = m.value_and_grad(*arguments)
    assert time.perf_counter() - start < 20.0
    assert value == pytest.approx(expected, rel=1e-12)
    for found, slope in zip(grads, slopes, strict=True):
        np.testing.assert_allclose(found, slope, rtol=1e-9)


# --- memory ----------------------------------------------------------------------------------------


def peak(call: Callable[[], Any]) -> tuple[Any, int]:
    """What a call gives, and the bytes it held at a time, NumPy's among them."""
    tracemalloc.start()
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("way", ["value_and_grad", "forward and backward"])
def test_checkpoints_hold_few_states(tmp_path: Path, way: str, level: int) -> None:
    T, H = 4096, 64
    arguments = plain(T, H)

    def run(m: Any) -> Any:
        if way == "value_and_grad":
            return m.value_and_grad(*arguments)[1]
        return m.backward(m.forward(*arguments)[1])

    found = {}
    for checkpoint in ("", " checkpoint"):
        m = compiled(tmp_path, NETWORK.replace("CHECKPOINT", checkpoint), level)
        run(m)
        getattr(m, "release", list)()  # what it has left for the next call counts as this one's
        grads, held = peak(partial(run, m))
        found[checkpoint] = grads, held / (8 * H)
    (expected, all_states), (grads, few_states) = found.values()
    assert all_states > T
    # The segments' first states and a segment's states, and what is less than a matrix or a few beside them.
    assert few_states < 2 * (math.isqrt(T) + 1) + 6 * H
    for gradient, reference in zip(grads, expected, strict=True):
        assert np.abs(gradient - reference).max() <= 1e-13 * np.abs(reference).max()


@pytest.mark.parametrize("T", [0, 1, 2, 3, 15, 16, 17, 100])
def test_checkpoints_at_any_number_of_steps(tmp_path: Path, T: int) -> None:
    m = compiled(tmp_path, NETWORK.replace("CHECKPOINT", " checkpoint"), 1)
    arguments = plain(T, 3, T)
    expected, *slopes = by_hand(*arguments)
    value, grads = m.value_and_grad(*arguments)
    assert value == pytest.approx(expected, rel=1e-12)
    for found, slope in zip(grads, slopes, strict=True):
        np.testing.assert_allclose(found, slope, rtol=1e-10, atol=1e-13)


LAGGED = """
dim T, H
input x: real[T, H]
param w: real[H]
var hs: real[T+1, H]
z = zeros(H)
for t in range(T):
    hs[t+1] = tanh(w * z + x[t])
    z = hs[t]
loss L = sum(z**2) + sum(hs[T])
"""


@pytest.mark.parametrize("level", LEVELS)
def test_a_row_that_is_carried_on_is_copied_and_not_the_array(tmp_path: Path, level: int) -> None:
    text = autodiffc.compile(LAGGED, level=level)
    assert re.findall(r"hs\w*\.copy\(\)", text) == []
    m = compiled(tmp_path, LAGGED, level)
    x, w = plain(7, 3)[0], np.array([0.5, -1.0, 2.0])

    def loss(w: Any) -> Any:
        hs, z = [np.zeros(3, complex)], np.zeros(3)
        for row in x:
            hs.append(np.tanh(w * z + row))
            z = hs[-2]
        return (z**2).sum() + hs[-1].sum()

    value, grads = m.value_and_grad(x, w)
    assert value == pytest.approx(loss(w).real, rel=1e-13)
    steps = [loss(w + 1e-30j * unit).imag / 1e-30 for unit in np.eye(3)]
    np.testing.assert_allclose(grads.w, steps, rtol=1e-12)
