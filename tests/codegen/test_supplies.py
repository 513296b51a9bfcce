"""Arrays whose number or sizes only run time knows: values with sizes in turns, and what is kept of a call."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.source import Source

BEGIN = "dim T, N\ninput x: real[T, N]\ninput n: int\nparam w: real[N]\nh = w\n"
END = "loss L = sum(h**2) + sum(w**3)\n"
STEP = "h = sin(h * w) + x[t]\n"
MODELS = {
    "segments": f"for t in range(T) checkpoint:\n    {STEP}",
    "segments of two": "g = w\nfor t in range(T) checkpoint:\n    g = 0.5 * g + h\n    h = sin(h * w) + x[t] * g\n",
    "segments in a loop": f"for k in range(n):\n    for t in range(T) checkpoint:\n        {STEP}",
    "a number of steps": f"for t in range(minimum(n, T)):\n    {STEP}",
    "a while": "while sum(h**2) > 0.5 max n:\n    h = sin(h * w) * 0.9\n",
    "a while of two": "g = h\nwhile sum(h**2) > 0.5 max n:\n    g = h\n    h = sin(g * w) * tanh(h)\n",
    "a while in a loop": "for t in range(T):\n    g = x[t]\n    while sum(g**2) > 0.5 max n:\n        g = sin(g) * w\n"
    "    h = h + g * g\n",
    "a while of what it begins with": "for t in range(T):\n    while sum(h**2) > 0.5 max n:\n        h = sin(h) * w\n"
    "    h = h + x[t]\n",
    "a while in segments": "for t in range(T) checkpoint:\n    while sum(h**2) > 0.5 max n:\n        h = sin(h) * w\n"
    "    h = h + x[t]\n",
    "loops of various lengths": "for t in range(T):\n    g = x[t]\n    for s in range(t + 1):\n        g = sin(g) + w * g\n"
    "    h = h + g\n",
    "three loops": "for t in range(T):\n    for s in range(t):\n        for r in range(s + 1):\n"
    "            h = sin(h) * x[r] + w\n",
    "a branch": f"for t in range(T):\n    if x[t, 0] > 0.5:\n        {STEP}    else:\n        h = 0.5 * h + w\n",
    "a branch in a while": "k = 0.0\nwhile sum(h**2) > 0.5 and k < n:\n    if h[0] > 0.2:\n        h = sin(h) * w\n"
    "    else:\n        h = h * h\n    k += 1\n",
}  # fmt: skip
TURNS = [(5, 70, 4), (5, 70, 9), (1, 40, 1), (12, 70, 0), (0, 33, 3), (9, 70, 2), (16, 33, 30), (5, 70, 4)]


@pytest.fixture(params=MODELS)
def modules(request: pytest.FixtureRequest) -> tuple[ModuleType, ModuleType]:
    """A model's modules at -O0 and at -O2."""
    program = program_of(Source("model.dsl", BEGIN + MODELS[request.param] + END))
    plain = module_text(program, Options(level=0))
    lent = module_text(program, Options(level=2, emit=("workspace",)))
    return module_of(plain, "plain"), module_of(lent, "lent")


def arguments(turn: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(turn)
    steps, size, n = TURNS[turn]
    return rng.random((steps, size)), n, rng.random(size)


def test_sizes_and_steps_in_turns(modules: tuple[ModuleType, ModuleType]) -> None:
    plain, lent = modules
    workspace = lent.Workspace()
    held, expected = [], []
    for turn in range(len(TURNS)):
        given = arguments(turn)
        value, grads = plain.value_and_grad(*given)
        for own in (lent.value_and_grad(*given), lent.value_and_grad(*given, workspace=workspace)):
            assert own[0] == pytest.approx(value, rel=1e-10)
            held.append(own[1].w)
            expected.append(grads.w)
        _, cache = lent.forward(*given, workspace=workspace)
        lent.value_and_grad(*arguments(0), workspace=workspace)
        held.append(lent.backward(cache, workspace=workspace).w)
        expected.append(grads.w)
    for own, grad in zip(held, expected):  # no later call has written over a result
        np.testing.assert_allclose(own, grad, rtol=1e-9, atol=1e-9)


def test_a_workspace_is_of_use_after_an_exception() -> None:
    text = BEGIN.replace("n: int", "n: int[T]") + "t = 0\nwhile sum(h**2) > 0.5 and t < T:\n"
    program = program_of(Source("model.dsl", f"{text}    h = sin(h) * x[n[t]]\n    t += 1\n{END}"))
    module = module_of(module_text(program, Options(level=2, emit=("workspace",))), "model")
    workspace = module.Workspace()
    x, w = np.full((9, 70), 0.9), np.full(70, 0.8)
    good, bad = np.zeros(9, int), np.array([0, 0, 99, *[0] * 6])
    expected = module.value_and_grad(x, good, w)
    for places in (good, bad, good):
        if places is bad:
            with pytest.raises(IndexError):
                module.value_and_grad(x, bad, w, workspace=workspace)
        else:
            value, grads = module.value_and_grad(x, places, w, workspace=workspace)
            assert value == expected[0]
            np.testing.assert_array_equal(grads.w, expected[1].w)
