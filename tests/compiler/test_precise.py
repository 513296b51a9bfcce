"""The precise profile: the far tails, where the stable profile's slopes are 0."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.source import Source


def gradients(text: str, numerics: str, level: int, *arguments: object) -> tuple[float, list[np.ndarray]]:
    options = Options(level=level, numerics=numerics)
    module = module_of(module_text(program_of(Source("m.dsl", text)), options), "m")
    value, grads = module.value_and_grad(*arguments)
    return value, [np.asarray(g) for g in grads]


def exact(f: object, x: float) -> float:
    with mpmath.workdps(60):
        return float(mpmath.diff(f, mpmath.mpf(x)))


SCALARS = [
    ("sigmoid(x)", 40.0, lambda x: 1 / (1 + mpmath.exp(-x))),
    ("sigmoid(x)", -40.0, lambda x: 1 / (1 + mpmath.exp(-x))),
    ("sigmoid(x)", 0.3, lambda x: 1 / (1 + mpmath.exp(-x))),
    ("tanh(x)", 25.0, mpmath.tanh),
    ("tanh(x)", -19.0, mpmath.tanh),
    ("tanh(x)", 0.3, mpmath.tanh),
    ("1 / (1 + exp(-x))", 50.0, lambda x: 1 / (1 + mpmath.exp(-x))),
]


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(("expression", "point", "reference"), SCALARS)
def test_slopes_in_the_tails(expression: str, point: float, reference: object, level: int) -> None:
    for kind, argument in (("real", point), ("real[1]", np.array([point]))):
        total = expression if kind == "real" else f"sum({expression})"
        text = f"input x: {kind}\noutput f = {total}\ngrad f wrt x\n"
        _, (slope,) = gradients(text, "precise", level, argument)
        assert float(slope.reshape(())) == pytest.approx(exact(reference, point), rel=2e-15)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_cross_entropy_where_the_label_leads(level: int) -> None:
    text = "input x: real[2, 3]\ninput y: int[2]\noutput f = sum(cross_entropy(x, y))\ngrad f wrt x\n"
    x, y = np.array([[50.0, 10.0, 9.0], [1.0, 2.0, 0.5]]), np.array([0, 1])
    value, (slope,) = gradients(text, "precise", level, x, y)
    rest = math.exp(-40.0) + math.exp(-41.0)
    p = np.exp(x[1]) / np.exp(x[1]).sum()
    assert slope[0] == pytest.approx([-rest, math.exp(-40), math.exp(-41)], rel=1e-14)
    assert slope[1] == pytest.approx(p - np.array([0, 1, 0]), rel=1e-14)
    assert value == pytest.approx(-math.log(p[1]), rel=1e-14)
    alone, _ = gradients(text, "precise", level, x[:1].repeat(2, 0), np.array([0, 0]))
    assert alone == pytest.approx(2 * rest, rel=1e-14)


@pytest.mark.parametrize("level", [0, 1])
def test_logsumexp_of_one_that_dominates(level: int) -> None:
    text = "input x: real[3]\noutput f = logsumexp(x)\ngrad f wrt x\n"
    value, (slope,) = gradients(text, "precise", level, np.array([0.0, -50.0, -60.0]))
    assert value == pytest.approx(math.exp(-50) + math.exp(-60), rel=1e-15)
    value, (slope,) = gradients(text, "precise", level, np.full(3, -np.inf))
    assert value == -np.inf
    assert slope.tolist() == [0, 0, 0]
    value, (slope,) = gradients(text, "precise", level, np.array([np.inf, 0, np.inf]))
    assert value == np.inf
    assert slope.tolist() == [0.5, 0, 0.5]


def test_the_profiles_agree_where_neither_is_in_trouble() -> None:
    text = (
        "dim N\ninput x: real[N, 4]\ninput y: int[N] in range(4)\n"
        "output f = sum(cross_entropy(tanh(x) * sigmoid(x), y)) + sum(log_softmax(x)[:, 0]) + sum(logsumexp(x, axis=1))\n"
        "grad f wrt x\n"
    )
    x, y = np.random.default_rng(3).normal(size=(5, 4)), np.array([0, 1, 2, 3, 0])
    stable, precise = (gradients(text, n, 1, x, y) for n in ("stable", "precise"))
    assert precise[0] == pytest.approx(stable[0], rel=1e-14)
    np.testing.assert_allclose(precise[1][0], stable[1][0], rtol=1e-12, atol=1e-15)
