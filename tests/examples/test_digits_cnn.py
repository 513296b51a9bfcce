"""The convolutional network on scikit-learn's digits: it learns, it repeats itself, its gradient is right."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

Build = Callable[..., ModuleType]


def run(script: Path, folder: Path, *options: str) -> str:
    """What the script prints when it is started from another folder."""
    command = [sys.executable, str(script), *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_training_reaches_98_percent(examples: Path, tmp_path: Path) -> None:
    output = run(examples / "digits_cnn.py", tmp_path, "--seed", "0")
    losses = [float(loss) for loss in re.findall(r"^epoch +\d+ +loss ([\d.]+)", output, re.M)]
    assert len(losses) == 30
    assert losses[-1] < losses[0] / 5
    final = re.search(r"^([\d.]+)% of 359 held-out digits are right, after ([\d.]+) s$", output, re.M)
    assert final is not None, output
    assert float(final[1]) >= 98.0
    assert float(final[2]) < 60.0


def test_a_seed_gives_the_same_run(examples: Path, tmp_path: Path) -> None:
    first, second = (run(examples / "digits_cnn.py", tmp_path, "--epochs", "2") for _ in range(2))
    without_time = re.compile(r", after .*")
    assert without_time.sub("", first) == without_time.sub("", second)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_gradient_along_directions(build: Build, level: int) -> None:
    m = build("digits_cnn", level)
    rng = np.random.default_rng(0)
    x, y = rng.random((4, 1, 8, 8)), rng.integers(0, 10, 4)
    params = m.init_params(1, C1=3, C2=4)
    _, grads = m.value_and_grad(x, y, *params, np.random.default_rng(2))
    for _ in range(4):
        along = [rng.choice([-1.0, 1.0], p.shape) for p in params]
        ahead, behind = (
            m.value_and_grad(x, y, *(p + h * v for p, v in zip(params, along)), np.random.default_rng(2))[0]
            for h in (1e-6, -1e-6)
        )
        slope = sum(float(np.vdot(g, v)) for g, v in zip(grads, along))
        assert slope == pytest.approx((ahead - behind) / 2e-6, rel=1e-6)
