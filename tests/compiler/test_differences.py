"""Differences against derivatives known in closed form, within what NUMERICS promises of each method."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, exp, log, sin, sqrt, tanh

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.differences import EPSILON, NotAnalytic, central, complex_slopes, richardson
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.types import Dim, Type

Function = Callable[[float], float]
FUNCTIONS: list[tuple[Function, Function]] = [
    (exp, exp),
    (sin, cos),
    (log, lambda x: 1 / x),
    (lambda x: x**3, lambda x: 3 * x * x),
    (tanh, lambda x: 1 - tanh(x) ** 2),
    (lambda x: 1 / x, lambda x: -1 / (x * x)),
]
POINTS = (0.01, 0.2, 1.0, 3.0, 20.0)
STEP = EPSILON ** (1 / 3)


@pytest.mark.parametrize(("function", "derivative"), FUNCTIONS)
@pytest.mark.parametrize("point", POINTS)
def test_central_differences(function: Function, derivative: Function, point: float) -> None:
    found = central(lambda t: function(point + t), STEP * point)
    assert abs(found.slope - derivative(point)) <= found.error + 1e-8 * abs(derivative(point))


@pytest.mark.parametrize(("function", "derivative"), FUNCTIONS)
@pytest.mark.parametrize("point", POINTS)
def test_extrapolation_and_its_own_estimate(function: Function, derivative: Function, point: float) -> None:
    found = richardson(lambda t: function(point + t), 0.02 * point)
    assert abs(found.slope - derivative(point)) <= 10 * found.error
    assert found.error <= 1e-9 * max(abs(derivative(point)), abs(function(point) / point))


def test_a_kink_shows_in_the_estimate() -> None:
    found = richardson(lambda t: abs(t - 0.0012), 0.02)  # between the last two steps and the point
    assert found.error > 1e-2


def test_no_value_no_slope() -> None:
    assert np.isnan(central(lambda t: sqrt(t) if t >= 0 else float("nan"), 1e-6).slope)
    assert not richardson(lambda t: float("nan"), 1e-2).error < 1.0


v = ops.argument("v", Type("real", (Dim.symbol("N"),)))
W = ops.argument("W", Type("real", (Dim.symbol("N"), Dim.symbol("N"))))
POINT = {"v": np.array([0.5, -1.2, 2.0]), "W": np.arange(9.0).reshape(3, 3) / 7.0}


def step_along(node: Node, direction: np.ndarray, **more: Node) -> tuple[float, float]:
    graph = Graph((v, W), (("f", node), *more.items()))
    weights = np.ones(tuple(d.evaluate({"N": 3}) for d in node.shape))
    (slope,), value = complex_slopes(graph, POINT, {"N": 3}, {"f": weights}, [{"v": direction}])
    return slope, value


def test_the_complex_step_is_exact() -> None:
    direction = np.array([1.0, -2.0, 0.5])
    slope, value = step_along(ops.tanh(W @ v) * ops.exp(v), direction)
    h, a = np.tanh(POINT["W"] @ POINT["v"]), np.exp(POINT["v"])
    expected = (1 - h * h) * (POINT["W"] @ direction) * a + h * a * direction
    assert value == pytest.approx((h * a).sum(), rel=1e-15)
    assert slope == pytest.approx(expected.sum(), rel=1e-14)


def test_what_does_not_depend_on_the_direction_may_have_kinks() -> None:
    slope, _ = step_along(v * ops.abs(ops.sum(W, axis=(0,), keepdims=False)), np.ones(3))
    assert slope == pytest.approx(np.abs(POINT["W"].sum(axis=0)).sum(), rel=1e-15)


@pytest.mark.parametrize("name", ["abs", "relu", "sign", "floor", "cbrt"])
def test_kinks_are_refused_not_wrong(name: str) -> None:
    with pytest.raises(NotAnalytic, match=name):
        step_along(getattr(ops, name)(v), np.ones(3))


def test_comparisons_are_refused() -> None:
    with pytest.raises(NotAnalytic):
        step_along(ops.where(v > 0.0, v, 2.0 * v), np.ones(3))


def test_other_outputs_are_left_alone() -> None:
    slope, _ = step_along(ops.exp(v), np.array([1.0, 0.0, 0.0]), other=ops.abs(v))
    assert slope == pytest.approx(exp(0.5), rel=1e-15)
