"""What a function returns is the caller's own: it can be written to, and nothing else changes with it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from autodiffc.api import compile, module_of

HEAD = "dim N\nparam x: real[N, N]\nparam t: real[N, N, N]\n"
X = np.arange(1.0, 10.0).reshape(3, 3) / 7.0
T = np.arange(1.0, 28.0).reshape(3, 3, 3) / 9.0
VIEWS = (
    "x",
    "x.T",
    "x[1:]",
    "x[::-1, 0]",
    "x[None]",
    "reshape(x, -1)",
    "flip(x, axis=1)",
    "diag(x)",
    "broadcast_to(x, 2, N, N)",
    "transpose(t, 2, 0, 1)",
    "squeeze(x[:1])",
    'einsum("ij->ji", x)',
    'einsum("ii->i", x)',
    'einsum("iij->ji", t)',
    'einsum("ij->ij", x)',
    "repeat(x, 1)",
    "tile(x, 1)",
    "pad(x, 0)",
    "roll(x, 0)",
    "where(x > 0, x, x)",
    "maximum(x, x)",
    "1.0 * x",
    "x + 0.0",
    "-(-x)",
)


def fresh(module: Any, name: str, *given: Any) -> list[np.ndarray]:
    """The arrays that a call returns, once it is sure that all are the caller's own."""
    result = getattr(module, name)(*given)
    held = [a for a in given if isinstance(a, np.ndarray)]
    arrays = [a for a in (result[0] if name == "forward" else result) if isinstance(a, np.ndarray)]
    assert all(a.flags.writeable for a in arrays)
    assert not any(np.shares_memory(a, b) for a in arrays for b in held)
    assert not any(np.shares_memory(a, b) for a, b in combinations(arrays, 2))
    return arrays


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("view", VIEWS)
def test_views_are_copied(view: str, level: int) -> None:
    text = f"{HEAD}v = {view}\noutput a = v\noutput b = 0.5 * v\noutput c = v\nloss L = sum(v) + sum(b * v) + sum(x)\n"
    module = module_of(compile(text, level=level), "m")
    x, t = X.copy(), T.copy()
    x.flags.writeable = t.flags.writeable = False
    fresh(module, "forward", x, t)
    fresh(module, "predict", x, t)
    given = [g.copy() for g in fresh(module, "grad", x, t)]
    _, cache = module.forward(x, t)
    for _ in range(2):
        again = module.backward(cache)
        for gradient, expected in zip(again, given):
            np.testing.assert_allclose(gradient, expected, rtol=1e-14)
            gradient[...] = np.nan


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(
    "view", ["x", "x.T", "x[::-1]", "reshape(x, N, N)", 'einsum("ij->ji", x)', "x + 0.0"]
)
def test_cotangents_are_not_given_back(view: str, level: int) -> None:
    module = module_of(compile(f"{HEAD}output y = {view}\ngrad y wrt x, t\n", level=level), "m")
    _, cache = module.forward(X, T)
    d_y = np.ones((3, 3))
    first, other = module.backward(cache, d_y)
    assert first.flags.writeable
    assert not np.shares_memory(first, d_y)
    np.testing.assert_array_equal(other, np.zeros((3, 3, 3)))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_table_that_one_side_of_a_branch_leaves_is_copied(level: int) -> None:
    text = (
        "dim N\ninput flag: bool\ninput k: int[N] in range(2)\nparam x: real[2, 3]\nif flag:\n    v = 0.0\n"
        "    for i in range(N):\n        v += prod(sin(x[k[i]]))\nelse:\n    v = 2 * sum(x[0])\nloss L = v * 2\n"
    )
    module = module_of(compile(text, level=level), "m")
    for _ in range(2):
        (gradient,) = module.grad(False, np.array([0, 1]), np.full((2, 3), 0.5))
        np.testing.assert_array_equal(gradient, [[4.0] * 3, [0.0] * 3])
        gradient[...] = np.nan
