"""What loops stack: rows of numbers as tuples where single numbers are read, arrays wherever a whole is needed."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.source import Source
from drawn import drawn_arguments

# name: (model, whether all that its loops stack are numbers)
MODELS = {
    "orbit": (
        """
        input steps: int in range(9)
        param x0, v0: real[3]
        param mass: real
        x, v = x0, v0
        for i in range(steps):
            r2 = dot(x, x) + 0.01
            v = v - 0.1 * mass * x / (r2 * sqrt(r2))
            x = x + 0.1 * v
        loss L = sum(x**2) + v[1]
        """,
        True,
    ),
    "matrices": (
        """
        input steps: int in range(9)
        dim T
        input z: real[T, 2, 2]
        param A: real[2, 2]
        P = A
        for t in range(T):
            P = tanh(P @ A + z[t])
        loss L = sum(P**2)
        """,
        True,
    ),
    "until": (
        """
        input steps: int in range(9)
        param x: real[2]
        y = x
        n = 0
        while n < steps and sum(y * y) < 100:
            y = y + 0.3 * sin(y) * sum(y)
            n = n + 1
        loss L = y[0] * y[1]
        """,
        True,
    ),
    "sides": (
        """
        input steps: int in range(9)
        param x: real[2]
        param v: real[2]
        y, u = x, v
        for i in range(steps):
            y = y + 0.3 * u
            if y[0] * u[0] > 0:
                u = -0.8 * u * y
            else:
                u = 0.5 * sin(y) - u
                y = 0.9 * y
        loss L = sum(y * y) + u[1]
        """,
        True,
    ),
    "in one another": (
        """
        input steps: int in range(9)
        param x: real[2]
        y = x
        for i in range(steps):
            w = 0.5 * y
            for j in range(3):
                w = stack(sin(w[1]), w[0] * w[1])
            y = 0.5 * y + w
        loss L = y[0] * y[1]
        """,
        False,
    ),
    "given out": (
        """
        dim T = 5
        input steps: int in range(9)
        param x: real[2]
        var ys: real[T, 2]
        y = x
        for t in range(T):
            y = stack(y[0] * y[1], sin(y[0]))
            ys[t] = y
        output all_ys = ys
        loss L = sum(ys**2) + ys[T - 1, 0]
        """,
        False,
    ),
}


def both(name: str, steps: int, dtype: str = "float64") -> tuple[Any, Any, dict[str, Any], str]:
    """The teaching form and the quick one as modules, arguments, and the text of the quick one."""
    program = program_of(Source("m.dsl", textwrap.dedent(MODELS[name][0])))
    plain, quick = (module_text(program, Options(level=k, dtype=dtype)) for k in (0, 2))
    arguments = drawn_arguments(program, {"T": 5 if name == "given out" else steps}, seed=3, high=1.0)
    return module_of(plain, "m"), module_of(quick, "m"), {**arguments, "steps": steps}, quick


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("steps", [0, 1, 6])
@pytest.mark.parametrize("name", MODELS)
def test_stacks_of_numbers_give_what_arrays_give(name: str, steps: int, dtype: str) -> None:
    plain, quick, arguments, _ = both(name, steps, dtype)
    close = {"rtol": 1e-11, "atol": 1e-13} if dtype == "float64" else {"rtol": 1e-3, "atol": 1e-4}
    value, grads = plain.value_and_grad(**arguments)
    found, gradients = quick.value_and_grad(**arguments)
    outputs, cache = quick.forward(**arguments)
    np.testing.assert_allclose(found, value, **close)
    np.testing.assert_allclose(outputs.L, found, rtol=1e-15 if dtype == "float64" else 1e-6)
    for wanted, direct, kept in zip(grads, gradients, quick.backward(cache)):
        np.testing.assert_allclose(direct, wanted, **close)
        np.testing.assert_allclose(kept, wanted, **close)


@pytest.mark.parametrize("name", MODELS)
def test_rows_are_tuples_where_single_numbers_are_read(name: str) -> None:
    text = both(name, 1)[-1]
    assert ("np.empty((" not in text) == MODELS[name][1]
    assert not MODELS[name][1] or (".append((" in text and "list[tuple[" in text)
