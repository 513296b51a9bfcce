"""ADBench's Gaussian mixtures in all sizes given: value and gradient against the reference, upstream's test.

m = build("adbench/gmm")
m.value_and_grad(x, gamma, m, alphas, means, icf)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

Build = Callable[..., ModuleType]
SIZES = """test 1k/gmm_d2_K5 1k/gmm_d2_K10 1k/gmm_d2_K200 1k/gmm_d10_K5 1k/gmm_d10_K25 1k/gmm_d20_K5
           10k/gmm_d2_K5 10k/gmm_d10_K5 10k/gmm_d10_K25 10k/gmm_d20_K5""".split()  # noqa: SIM905
RELATIVE = 1e-12
FIELDS = {"alphas": "d_alphas", "means": "d_means", "icf": "d_icf"}


@dataclass(frozen=True)
class Problem:
    """A data file: the arguments of the model, in its order."""

    x: Any
    gamma: float
    m: int
    alphas: Any
    means: Any
    icf: Any

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self.x, self.gamma, self.m, self.alphas, self.means, self.icf


def read(path: Path) -> Problem:
    """Line by line: d K n; alphas; means; rows of icf; points; gamma m."""
    lines = path.read_text().splitlines()
    d, k, n = map(int, lines[0].split())
    block = [np.array([line.split() for line in part], float) for part in
             (lines[1 : 1 + k], lines[1 + k : 1 + 2 * k], lines[1 + 2 * k : 1 + 3 * k], lines[1 + 3 * k : 1 + 3 * k + n])]  # fmt: skip
    gamma, m = lines[1 + 3 * k + n].split()
    assert block[3].shape == (n, d)
    return Problem(block[3], float(gamma), int(m), block[0][:, 0], block[1], block[2])


def assert_near(found: Any, expected: Any, what: str) -> None:
    """Relative to the largest element."""
    assert found.shape == expected.shape, what
    assert np.abs(found - expected).max() <= RELATIVE * np.abs(expected).max(), what


def test_every_size_is_here(cases: Callable[[str], Path]) -> None:
    folder = cases("adbench/gmm")
    assert sorted(SIZES) == sorted(
        p.relative_to(folder).with_suffix("").as_posix() for p in folder.glob("**/*.txt")
    )


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("size", SIZES)
def test_value_and_gradient(build: Build, cases: Callable[[str], Path], size: str, level: int) -> None:
    problem = read(cases(f"adbench/gmm/{size}.txt"))
    expected = np.load(cases(f"adbench/gmm/{size}.ref.npz"))
    value, gradient = build("adbench/gmm", level).value_and_grad(*problem.arguments)
    assert value == pytest.approx(float(expected["objective"]), rel=RELATIVE)
    for field, key in FIELDS.items():
        assert_near(getattr(gradient, field), expected[key], field)


def test_upstreams_own_test(build: Build, cases: Callable[[str], Path], index: Callable[[str], Any]) -> None:
    """The value and the 18 derivatives that ADBench's own test expects, to its own tolerance."""
    problem = read(cases("adbench/gmm/test.txt"))
    expected = index("adbench/upstream_expected.json")["gmm_test"]
    value, gradient = build("adbench/gmm").value_and_grad(*problem.arguments)
    found = np.concatenate([part.ravel() for part in gradient])
    for have, want in zip([value, *found], [expected["objective"], *expected["gradient"]], strict=True):
        assert abs(have - want) <= 1e-8 * max(1.0, abs(have) + abs(want))
