"""scikit-learn's digits: softmax regression against scikit-learn's own optimum, and the training script.

    scipy.optimize.minimize(m.objective(x, y, K=10), m.pack(p0), jac=True).fun     # 358.5489477

The script runs as a user runs it: a process of its own, started from another folder.
"""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import optimize
from sklearn.datasets import load_digits

REFERENCE = "sklearn_digits/reference.json"
LEVELS = (0, 1, 2)
Build = Callable[..., ModuleType]
Index = Callable[[str], Any]


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    pixels, labels = load_digits(return_X_y=True)
    return pixels / 16, labels


@pytest.mark.parametrize("level", LEVELS)
def test_objective_at_zero(build: Build, data: tuple[Any, Any], level: int) -> None:
    m = build("softmax_regression", level)
    params = m.init_params(D=64, K=10)
    value, grads = m.value_and_grad(*data, *params)
    assert value == pytest.approx(1797 * math.log(10), rel=1e-13)
    x, y = data
    expected = (np.full((10, 1797), 0.1) - (y == np.arange(10)[:, None])) @ x
    np.testing.assert_allclose(grads.W, expected, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("level", LEVELS)
def test_objective_at_the_test_point(build: Build, index: Index, data: tuple[Any, Any], level: int) -> None:
    expected = index(REFERENCE)["test_point"]
    i, j = np.arange(10), np.arange(64)
    W, b = 0.1 * np.cos(1 + i[:, None] + 0.7 * j), 0.05 * np.sin(i)
    value, grads = build("softmax_regression", level).value_and_grad(*data, W, b)
    assert value == pytest.approx(expected["objective"], rel=1e-13)
    assert np.linalg.norm(grads.W) == pytest.approx(expected["grad_W_norm"], rel=1e-12)
    assert grads.W[0, :8] == pytest.approx(expected["grad_W_row0_first8"], rel=1e-11)
    assert grads.W[3, 20] == pytest.approx(expected["grad_W_3_20"], rel=1e-12)
    assert grads.b == pytest.approx(expected["grad_b"], rel=1e-11)


def test_optimum_is_scikit_learns(build: Build, index: Index, data: tuple[Any, Any]) -> None:
    expected = index(REFERENCE)["optimum"]
    m = build("softmax_regression")
    options = {"maxiter": 1000, "maxcor": 30, "ftol": 1e-13, "gtol": 1e-5}
    found = optimize.minimize(
        m.objective(*data, K=10),
        m.pack(m.init_params(D=64, K=10)),
        jac=True,
        method="L-BFGS-B",
        options=options,
    )
    assert found.fun == pytest.approx(expected["objective"], rel=1e-9)
    params = m.unpack(found.x, D=64, K=10)
    assert np.linalg.norm(params.W) == pytest.approx(expected["W_fro_norm"], rel=1e-5)
    x, y = data
    right = np.mean(m.predict(x, *params).p.argmax(axis=1) == y)
    assert right == pytest.approx(expected["train_accuracy"], abs=1e-12)


def run(script: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    """Start the script from another folder, its output to be read line by line."""
    return subprocess.Popen(
        [sys.executable, str(script), *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=None if os.name == "nt" else _heed_interrupts,
    )


def _heed_interrupts() -> None:
    """What a shell runs in the background ignores Ctrl-C, and so does what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_training_reaches_97_percent_and_shows_progress(examples: Path, tmp_path: Path, seed: str) -> None:
    process = run(examples / "digits.py", tmp_path, "--seed", seed)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    losses = [float(loss) for loss in re.findall(r"^epoch +\d+ +loss ([\d.]+)", output, re.M)]
    assert len(losses) == 60
    assert losses[-1] < losses[0] / 5
    final = re.search(r"^([\d.]+)% of 359 held-out digits are right$", output, re.M)
    assert final is not None, output
    assert float(final[1]) >= 97.0


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send")
def test_interrupted_training_still_reports(examples: Path, tmp_path: Path) -> None:
    process = run(examples / "digits.py", tmp_path, "--epochs", "100000")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch   3"):
            break
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert re.search(r"^stopped\n[\d.]+% of 359 held-out digits are right$", output, re.M), output
