"""What loops make of cotangents, against Jacobians that NumPy multiplies out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.diagnosis.seen import Recurrence
from ill_models import RECURRENT, SEQUENCES

EXAMPLES = Path(__file__).parents[3] / "examples"
HEAD = "dim T\ninput x: real[T]\nparam w: real = 0.9\nparam u: real = 0.5\n"


def loops(text: str, data: Any, folder: Path, **options: Any) -> tuple[Recurrence, ...]:
    (folder / "model.dsl").write_text(text, "utf-8")
    return autodiffc.diagnose(folder / "model.dsl", data, **options).seen.recurrences


def test_the_spectral_radius_of_a_matrix(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    for size in (1, 2, 5):
        W = generator.normal(size=(size, size))
        data = {"W": W + W.T, "h0": generator.normal(size=size), "target": np.zeros(size), "T": 60}
        (loop,) = autodiffc.diagnose(EXAMPLES / "matrix_recurrence.dsl", data).seen.recurrences
        assert loop.radius == pytest.approx(max(abs(np.linalg.eigvals(W + W.T))), rel=1e-9)
        assert loop.steps == 60
        assert loop.remembers


def test_the_product_of_numbers_is_exact() -> None:
    b = np.array([0.5, -3.0, 2.0, 0.1, 4.0, 0.25])
    (loop,) = autodiffc.diagnose(EXAMPLES / "product_recurrence.dsl", {"a": 2.0, "b": b}).seen.recurrences
    expected = [abs(np.prod(b[t:])) for t in range(7)]
    np.testing.assert_allclose(loop.reach, expected, rtol=1e-12)
    np.testing.assert_allclose(loop.norms, expected, rtol=1e-12)
    assert loop.radius == pytest.approx(abs(np.prod(b[1:])) ** (1 / 5), rel=1e-12)
    assert loop.ratio == pytest.approx(abs(np.prod(b)))


def test_the_jacobians_of_a_recurrent_network(tmp_path: Path) -> None:
    text = RECURRENT.format(weights="orthogonal()", act="tanh")
    data = {"x": SEQUENCES["x"][:, :1], "y": SEQUENCES["y"][:1]}
    (loop,) = loops(text, data, tmp_path, sizes={"H": 4}, seed=5)
    W, U, _ = autodiffc.load(tmp_path / "model.dsl").init_params(5, D=5, H=4)
    h, product, frobenius = np.zeros(4), np.eye(4), []
    for t, x in enumerate(data["x"][:, 0]):
        h = np.tanh(x @ W + h @ U)
        step = (1 - h**2)[:, None] * U.T
        product = step @ product if t else product
        frobenius.append(step)
    radius = max(abs(np.linalg.eigvals(product))) ** (1 / 24)
    assert loop.radius == pytest.approx(radius, rel=0.02)
    whole = np.linalg.multi_dot(frobenius[::-1])
    assert np.linalg.norm(whole, 2) * 1.0001 > loop.ratio > np.linalg.svd(whole)[1].min()


def test_what_only_adds_up_is_no_state(tmp_path: Path) -> None:
    text = HEAD + "total = 0.0\nfor t in range(T):\n    total += tanh(w * x[t] + u)\nloss L = total**2\n"
    assert loops(text, {"x": np.ones(9)}, tmp_path) == ()


def test_a_state_beside_a_sum_and_a_list(tmp_path: Path) -> None:
    text = HEAD + (
        "total = 0.0\nh = 0.0\nvar hs: real[T]\nfor t in range(T):\n    h = w * h + x[t]\n    total += h\n"
        "    hs[t] = h\nloss L = total**2 + sum(hs)\n"
    )
    (loop,) = loops(text, {"x": np.ones(9)}, tmp_path)
    assert loop.label == "h"
    np.testing.assert_allclose(loop.reach, 0.9 ** np.arange(9, -1, -1.0), rtol=1e-12)
    assert loop.radius == pytest.approx(0.9)


def test_rows_that_are_made_of_rows_before(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    U = generator.normal(size=(3, 3))
    U = 0.4 * (U + U.T)
    text = """\
dim T, H
input x: real[T, H]
param U: real[H, H]
var h: real[T, H]
h[0] = x[0]
for t in range(1, T):
    h[t] = x[t] + h[t-1] @ U
loss L = sum(h[T-1])**2
"""
    (loop,) = loops(text, {"x": np.ones((30, 3)), "U": U}, tmp_path)
    assert (loop.label, loop.steps) == ("h", 28)
    assert loop.radius == pytest.approx(max(abs(np.linalg.eigvals(U))), rel=1e-6)
    last = np.random.default_rng(0).standard_normal(3)
    expected = [np.linalg.norm(np.linalg.matrix_power(U, k) @ last) for k in range(28, -1, -1)]
    np.testing.assert_allclose(loop.reach, np.array(expected) / np.linalg.norm(last), rtol=1e-9)
    again = loops(
        text.replace("h[t-1] @ U", "sin(U[0, 0] * h[t-1])"), {"x": np.ones((30, 3)), "U": U}, tmp_path
    )
    assert [loop.radius for loop in again] == pytest.approx(
        [1.0], rel=0.01
    )  # no network: the array as a whole


def test_a_delay_line_carries_its_state_round(tmp_path: Path) -> None:
    text = HEAD + "a, b = 1.0, 1.0\nfor t in range(T):\n    a, b = w * a + u * b + x[t], a\nloss L = a**2\n"
    (loop,) = loops(text, {"x": np.ones(200)}, tmp_path)
    assert loop.label == "a, b"
    assert loop.radius == pytest.approx(max(abs(np.linalg.eigvals([[0.9, 0.5], [1.0, 0.0]]))), rel=1e-6)


def test_a_loop_that_converges_is_not_expected_to_remember(tmp_path: Path) -> None:
    text = "param a: real = 2.0\nx = a\nfor k in range(8):\n    x = x - (x * x - a) / (2 * x)\nloss L = (x - 1)**2\n"
    (tmp_path / "model.dsl").write_text(text, "utf-8")
    diagnosis = autodiffc.diagnose(tmp_path / "model.dsl", {})
    (loop,) = diagnosis.seen.recurrences
    assert loop.ratio < 1e-12
    assert not loop.remembers
    assert diagnosis.ok


def test_loops_in_loops_and_steps_of_no_effect(tmp_path: Path) -> None:
    text = HEAD + (
        "h = 0.0\nfor t in range(T):\n    for k in range(2):\n        h = tanh(w * h + x[t])\n"
        "    if t < 3:\n        h = u * h\nloss L = h**2\n"
    )
    found = loops(text, {"x": np.ones(9)}, tmp_path)
    assert sorted(loop.steps for loop in found) == [2, 9]
    assert all(np.isfinite(loop.radius) for loop in found)


def test_what_is_larger_than_any_number(tmp_path: Path) -> None:
    text = "param a: real = 1.0\nh = a\nfor t in range(200):\n    h = sin(1e9 * h)\nloss L = h**2\n"
    (tmp_path / "model.dsl").write_text(text, "utf-8")
    diagnosis = autodiffc.diagnose(tmp_path / "model.dsl", {})
    (loop,) = diagnosis.seen.recurrences
    assert 1e300 < loop.ratio < np.inf
    assert loop.radius > 1e6
    assert diagnosis.html()
    assert [finding.kind for finding in diagnosis.findings] == ["not finite"]


def test_no_steps_and_one_step(tmp_path: Path) -> None:
    text = HEAD + "h = u\nfor t in range(T):\n    h = tanh(w * h + x[t])\nloss L = h**2\n"
    for steps in (1, 2):
        found = loops(text, {"x": np.ones(steps)}, tmp_path)
        assert [loop.steps for loop in found] == ([steps] if steps > 1 else [])
