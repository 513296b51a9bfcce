"""A mixture density network: its likelihood against NumPy's, and trained where one Gaussian cannot do."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

Build = Callable[..., ModuleType]


@pytest.fixture(scope="module")
def script(examples: Path) -> ModuleType:
    """The script examples/mixture_density.py, imported."""
    spec = importlib.util.spec_from_file_location("mixture_density", examples / "mixture_density.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def density(p: Any, x: Any, t: Any) -> Any:
    """p(t|x) with SciPy's normal density."""
    h = np.tanh(x[:, None] @ p.W + p.b)
    weights = special.softmax(h @ p.V_w + p.c_w, axis=1)
    parts = stats.norm.pdf(t[:, None], h @ p.V_mu + p.c_mu, np.exp(h @ p.V_sigma + p.c_sigma))
    return (weights * parts).sum(axis=1)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_likelihood(build: Build, script: ModuleType, level: int) -> None:
    m = build("mixture_density", level)
    pairs = script.draw(40, np.random.default_rng(1))
    params = m.init_params(5, H=6, K=3)
    loss = m.forward(*pairs, *params)[0].L
    assert loss == pytest.approx(-np.log(density(params, *pairs)).mean(), rel=1e-12)
    assert m.value_and_grad(*pairs, *params)[0] == loss


def test_a_density_integrates_to_one(build: Build) -> None:
    m = build("mixture_density")
    params = m.init_params(5, H=6, K=3)
    t = np.linspace(-30.0, 30.0, 60001)
    log_p = [-m.forward(np.array([0.4]), t[i : i + 1], *params)[0].L for i in range(0, len(t), 100)]
    assert np.exp(log_p).sum() * 0.1 == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_mixture_is_clearly_likelier_than_one_gaussian(
    script: ModuleType, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    script.main(["--seed", str(seed)])
    lines = capsys.readouterr().out.splitlines()
    single, mixture = (float(line.split()[-1]) for line in lines[:2])
    assert mixture > single + 0.3
    assert mixture > 0.8
    assert lines[0].startswith("1 component ")
    assert lines[1].startswith("5 components ")
    assert [line.split(": ")[0] for line in lines[2:]] == ["x = 0.1", "x = 0.5", "x = 0.9"]
