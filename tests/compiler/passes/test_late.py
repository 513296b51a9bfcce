"""What each step adds to a part of an array is added up after the loop."""

from __future__ import annotations

from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of

MODEL = """
dim T, H
input x: real[T, H]
param W: real[3, H]
param b: real[2, H]
h = zeros(H)
for t in range(T):
    h = tanh(x[t] * W[2] + h * W[0] + b[1]) - 0.5 * b[1]
loss L = sum(h**2) + sum(W[0] * b[0])
"""


def module(level: int) -> Any:
    return module_of(autodiffc.compile(MODEL, level=level), f"late{level}")


@pytest.mark.parametrize("level", [1, 2])
def test_nothing_is_added_step_by_step(level: int) -> None:
    text = autodiffc.compile(MODEL, level=level)
    steps = [line for line in text.splitlines() if line.startswith(" " * 8)]
    assert not any(line.strip().startswith(("d_W[", "d_b[")) for line in steps)


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_the_sums_are_those_of_the_steps(steps: int) -> None:
    rng = np.random.default_rng(steps)
    x, W, b = rng.normal(size=(steps, 4)), rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    plain = module(0).value_and_grad(x, W, b)
    for level in (1, 2):
        value, grads = module(level).value_and_grad(x, W, b)
        np.testing.assert_allclose(value, plain[0], rtol=1e-13)
        for got, expected in zip(grads, plain[1]):
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)
