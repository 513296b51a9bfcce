"""A zero cotangent that meets an infinite value is masked whatever borders lie between the two."""

from __future__ import annotations

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of

MODELS = {
    "into a loop": """
z = 1 / x
h = w
for t in range(2):
    h = where(x > 0, h * z * w, h)
loss L = sum(h)
""",
    "straight": """
z = 1 / x
h = where(x > 0, w * z * w, w)
loss L = sum(where(x > 0, h * z * w, h))
""",
    "into a branch": """
z = 1 / x
h = w
if sum(w) > 0:
    h = where(x > 0, w**3 * z * z, w)
loss L = sum(h)
""",
}
OUT_OF_A_LOOP = """
s = zeros(N)
for t in range(2):
    s = s + 1 / x
loss L = sum(where(x > 0, s * w, w))
"""
HEAD = "dim N\ninput x: real[N]\nparam w: real[N]"


def gradients(model: str, level: int) -> list[list[float]]:
    text = autodiffc.compile(f"{HEAD}{model}grad L wrt w, x\n", level=level)
    grads = module_of(text, "poles").value_and_grad(np.array([0.0, 2.0]), np.array([1.5, 2.0]))[1]
    return [list(grads.w), list(grads.x)]


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_a_pole_before_the_border(name: str, level: int) -> None:
    assert gradients(MODELS[name], level) == [[1.0, 3.0], [0.0, -2.0]]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_pole_behind_the_border(level: int) -> None:
    assert gradients(OUT_OF_A_LOOP, level) == [[1.0, 1.0], [0.0, -1.0]]
