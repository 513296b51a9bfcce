"""Soft alignments and hidden Markov models against sums over all paths, one by one, and against JAX.

The derivative of such a sum by complex steps is exact to rounding, and knows nothing of dynamic programming.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise, product
from types import ModuleType
from typing import Any

import numpy as np
import pytest

Build = Callable[..., ModuleType]
LEVELS = (0, 1, 2)


def slopes(f: Callable[..., Any], arrays: list[Any]) -> list[Any]:
    """The derivative of an analytic function by each element of each array."""
    found = [np.zeros(np.shape(a)) for a in arrays]
    for k, a in enumerate(arrays):
        for index in np.ndindex(np.shape(a)):
            moved = [np.array(b, complex) for b in arrays]
            moved[k][index] += 1e-30j
            found[k][index] = f(*moved).imag / 1e-30
    return found


def close(found: Any, expected: Any) -> None:
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13 * np.abs(b).max())


# --- alignments ------------------------------------------------------------------------------------


def alignments(n: int, m: int) -> Iterator[list[tuple[int, int]]]:
    """All ways from (0, 0) to (n-1, m-1) by steps in one series, the other, or both."""
    if n and m:
        if n == m == 1:
            yield [(0, 0)]
        for earlier in ((n - 1, m - 1), (n - 1, m), (n, m - 1)):
            for way in alignments(*earlier):
                yield [*way, (n - 1, m - 1)]


def over_all_alignments(gamma: float) -> Callable[..., Any]:
    def f(x: Any, y: Any) -> Any:
        costs = ((x[:, None] - y) ** 2).sum(axis=-1)
        ways = np.array([sum(costs[cell] for cell in way) for way in alignments(len(x), len(y))])
        least = ways.real.min()
        return least - gamma * np.log(np.exp((least - ways) / gamma).sum())

    return f


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("gamma", [0.01, 1.0, 30.0])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (4, 3), (2, 5)])
def test_alignments(build: Build, n: int, m: int, gamma: float, level: int) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
    f = over_all_alignments(gamma)
    value, grads = build("dynamic_programming", level).value_and_grad(gamma, x, y)
    assert value == pytest.approx(f(x, y), rel=1e-12)
    close(grads, slopes(f, [x, y]))


@pytest.mark.parametrize("level", LEVELS)
def test_longer_alignments_as_in_jax(build: Build, level: int) -> None:
    jax = pytest.importorskip("jax", reason="this test compares with JAX")
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(7, 3))

    def f(x: Any, y: Any) -> Any:
        S = {(0, 0): 0.0}
        for i, j in product(range(1, len(x) + 1), range(1, len(y) + 1)):
            before = [S[key] for key in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if key in S]
            soft = -0.7 * jax.nn.logsumexp(-jax.numpy.stack(before) / 0.7) if len(before) > 1 else before[0]
            S[i, j] = ((x[i - 1] - y[j - 1]) ** 2).sum() + soft
        return S[len(x), len(y)]

    value, grads = build("dynamic_programming", level).value_and_grad(0.7, x, y)
    with jax.enable_x64(True):
        expected, found = jax.value_and_grad(f, (0, 1))(x, y)
    assert value == pytest.approx(float(expected), rel=1e-12)
    close(grads, [np.asarray(g) for g in found])


# --- hidden Markov models --------------------------------------------------------------------------


def log_softmax(z: Any) -> Any:
    z = z - z.real.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def over_all_states(y: Any) -> Callable[..., Any]:
    def f(initial: Any, transition: Any, emission: Any) -> Any:
        start, A, B = map(log_softmax, (initial, transition, emission))
        total = 0.0
        for states in product(range(len(start)), repeat=len(y)):
            moves = sum(A[s, t] for s, t in pairwise(states))
            total += np.exp(start[states[0]] + moves + sum(B[s, v] for s, v in zip(states, y, strict=True)))
        return -np.log(total)

    return f


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("T", [1, 2, 5])
def test_hidden_states(build: Build, T: int, level: int) -> None:
    rng = np.random.default_rng(T)
    params = [rng.normal(size=size) for size in (3, (3, 3), (3, 4))]
    y = rng.integers(4, size=T)
    value, grads = build("hidden_markov", level).value_and_grad(y, *params)
    assert value == pytest.approx(over_all_states(y)(*params), rel=1e-12)
    close(grads, slopes(over_all_states(y), params))


def test_a_long_sequence_does_not_underflow(build: Build) -> None:
    """One state: every symbol is independent, and its probability a softmax."""
    y = np.arange(20000) % 2
    value, grads = build("hidden_markov").value_and_grad(y, [0.0], [[0.0]], [[np.log(3.0), 0.0]])
    assert value == pytest.approx(-10000 * np.log(3 / 16), rel=1e-11)
    np.testing.assert_allclose(grads.emission, [[5000.0, -5000.0]], rtol=1e-9)
