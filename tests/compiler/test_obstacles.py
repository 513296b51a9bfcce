"""What is in the way of a value: the place and the reason, in the model's words."""

from __future__ import annotations

import numpy as np
import pytest
from autodiffc.api import program_of
from autodiffc.compiler.ir import Array
from autodiffc.compiler.model import Program
from autodiffc.compiler.obstacles import failing, misfit, not_finite
from autodiffc.grammar.source import Source


def program(text: str) -> Program:
    return program_of(Source("model.dsl", text))


AB = "param A: real[2, 2]\ninput b: real[2]\n"
SINGULAR = {"A": np.array([[1.0, 2.0], [2.0, 4.0]]), "b": np.ones(2)}


@pytest.mark.parametrize(
    ("text", "arguments", "place"),
    [
        (AB + "loss L = sum(solve(A, b))\n", SINGULAR, "line 3: `solve(A, b)`"),
        (AB + "def f(M):\n    return inv(M)\nloss L = sum(f(A))\n", SINGULAR, "line 4: `inv(M)`"),
        (AB + "s = 0.0\nfor t in range(3):\n    s += sum(solve(A, b))\nloss L = s\n", SINGULAR, "line 5: `solve(A, b)`"),
        (AB + "s = 0.0\nif b[0] > 0:\n    s = sum(solve(A, b))\nloss L = s\n", SINGULAR, "line 5: `solve(A, b)`"),
        ("param a: real[2]\ninput k: int\ni = k + 1\nloss L = a[i]\n", {"a": np.ones(2), "k": np.array(7)}, "line 4: `a[i]`"),
        (AB + "loss L = sum(A @ b)\n", SINGULAR, ""),
    ],
)  # fmt: skip
def test_where_it_fails(text: str, arguments: dict[str, Array], place: str) -> None:
    assert failing(program(text), arguments, {}) == place


AX = "param a: real\ninput x: real\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (AX + "z = log(-x)\nloss L = a * z\n", "line 3: `log(-x)` is NaN"),
        (AX + "z = x - 1\nw = where(z > 0, log(z), a)\nloss L = w + 1 / z\n", "line 5: `1 / z` is infinite"),
        (AX + "h = a\nfor t in range(3):\n    h = h + log(1 - t)\nloss L = h\n", "line 5: `log(1 - t)` is infinite in step 1"),
        (AX + "h = a\nif x > 0:\n    h = log(-a)\nloss L = h\n", "line 5: `log(-a)` is NaN"),
        (AX + "loss L = a * x\n", ""),
    ],
)  # fmt: skip
def test_what_is_not_finite(text: str, what: str) -> None:
    assert not_finite(program(text), {"a": np.array(2.0), "x": np.array(1.0)}, {}) == what


SLICED = "dim N, M\ninput x: real[N, M]\nparam a: real[M]\nloss L = sum(x[3:] @ a) + sum(x[:, 1:])\n"


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ({"N": 2}, "at N = 2, M = 3 the shapes make no sense: the slice 3: of an axis of N in line 4 needs N - 3 >= 0"),
        ({"N": 3}, "at N = 3, M = 3 `x[3:]` in line 4 would be empty; choose a larger N"),
        ({"N": 9, "M": 10**7}, "at N = 9, M = 10000000 `x` in line 2 would have 90,000,000 elements, and 10,000,000 are the most here; choose a smaller N or M"),
    ],
)  # fmt: skip
def test_sizes_that_do_not_fit(sizes: dict[str, int], reason: str) -> None:
    assert misfit(program(SLICED), sizes) == reason
