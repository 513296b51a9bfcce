"""The character-level networks: they learn the text, repeat themselves, and have JAX's gradients."""

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

Build = Callable[..., ModuleType]
LEVELS = (0, 1, 2)
T, B, V, H = 7, 3, 5, 4


def run(script: Path, folder: Path, *options: str) -> str:
    """What the script prints when it is started from another folder."""
    command = [sys.executable, str(script), *options]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("model", "epochs"), [("rnn", 60), ("lstm", 90)])
def test_learning_leaves_a_third_of_the_entropy(
    examples: Path, tmp_path: Path, model: str, epochs: int
) -> None:
    output = run(examples / "char_rnn.py", tmp_path, "--model", model, "--epochs", str(epochs))
    entropy = re.search(r"their entropy is ([\d.]+) nats", output)
    final = re.search(r"^([\d.]+) nats a character, after ([\d.]+) s$", output, re.M)
    assert entropy is not None, output
    assert final is not None, output
    assert float(final[1]) < float(entropy[1]) / 3
    assert float(final[2]) < 60.0
    losses = [float(loss) for loss in re.findall(r"^epoch +\d+ +loss ([\d.]+)", output, re.M)]
    assert len(losses) == 10
    assert losses == sorted(losses, reverse=True)


def test_a_seed_gives_the_same_run(examples: Path, tmp_path: Path) -> None:
    options = ("--epochs", "2", "--seed", "3")
    first, second = (run(examples / "char_rnn.py", tmp_path, *options) for _ in range(2))
    without_time = re.compile(r", after .*")
    assert without_time.sub("", first) == without_time.sub("", second)


def arguments(model: ModuleType, states: int) -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(4)
    x, y = rng.integers(V, size=(2, T, B))
    params = [rng.normal(size=p.shape) for p in model.init_params(0, V=V, H=H)]
    return x, y, rng.normal(size=(states, B, H)), params


def elman(jax: Any, x: Any, y: Any, state: Any, params: Any) -> Any:
    np, (E, U, b, W, c) = jax.numpy, params
    h, total = state[0], 0.0
    for characters, following in zip(x, y, strict=True):
        h = np.tanh(E[characters] + h @ U + b)
        total -= jax.nn.log_softmax(h @ W + c)[np.arange(B), following].sum()
    return total / y.size


def lstm(jax: Any, x: Any, y: Any, state: Any, params: Any) -> Any:
    np, (E, U, b, W, d) = jax.numpy, params
    (h, c), total = state, 0.0
    for characters, following in zip(x, y, strict=True):
        i, f, o, g = np.split(E[characters] + h @ U + b, 4, axis=1)
        c = jax.nn.sigmoid(f + 1) * c + jax.nn.sigmoid(i) * np.tanh(g)
        h = jax.nn.sigmoid(o) * np.tanh(c)
        total -= jax.nn.log_softmax(h @ W + d)[np.arange(B), following].sum()
    return total / y.size


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("model", "loss", "states"), [("char_rnn", elman, 1), ("char_lstm", lstm, 2)])
def test_value_and_gradient_as_in_jax(
    build: Build, model: str, loss: Callable[..., Any], states: int, level: int
) -> None:
    jax = pytest.importorskip("jax", reason="this test compares with JAX")
    m = build(model, level)
    x, y, state, params = arguments(m, states)
    value, grads = m.value_and_grad(x, y, *state, *params)
    with jax.enable_x64(True):
        expected, slopes = jax.value_and_grad(lambda p: loss(jax, x, y, state, p))(params)
    assert value == pytest.approx(float(expected), rel=1e-12)
    for found, slope in zip(grads, slopes, strict=True):
        np.testing.assert_allclose(found, np.asarray(slope), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("model", "states"), [("char_rnn", 1), ("char_lstm", 2)])
def test_windows_hand_on_the_state(build: Build, model: str, states: int, level: int) -> None:
    """Two windows, one after the other, expect the same as one window of both."""
    m = build(model, level)
    x, _, state, params = arguments(m, states)
    whole = m.predict(x, *state, *params)
    first = m.predict(x[:3], *state, *params)
    second = m.predict(x[3:], *first[1:-1], *params)
    np.testing.assert_allclose(np.concatenate([first.p, second.p]), whole.p, rtol=1e-12)
    for found, expected in zip(second[1:-1], whole[1:-1], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
