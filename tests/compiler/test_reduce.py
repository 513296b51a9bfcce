"""Reductions, scans, moments, norms: the values and slopes at the points that mathematics leaves open."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import numpy as np
import pytest
from array_texts import value_and_gradients
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.passes.expand import Expand
from autodiffc.compiler.types import Dim, Type, TypeProblem

N, D = Dim.symbol("N"), Dim.symbol("D")
pytestmark = pytest.mark.filterwarnings("ignore:Mean of empty slice")  # as plain NumPy says


def check(name: str, x: Any, value: Any, slope: Any, **attrs: Any) -> None:
    """An op over all axes (or `axis`), against its expected value and derivative."""
    x = np.asarray(x, float)
    attrs.setdefault("axis", tuple(range(x.ndim)))

    def build(node: Node) -> Node:
        return ops.OPS[name](node, **({"keepdims": False} | attrs))

    found, (gradient,) = value_and_gradients(build, x)
    np.testing.assert_allclose(found, value, rtol=1e-14)
    np.testing.assert_allclose(gradient, slope, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "x", "value", "slope"),
    [
        ("sum", [], 0.0, []),
        ("mean", [], nan, []),
        ("prod", [], 1.0, []),
        ("prod", [2, 0, 3], 0.0, [0, 6, 0]),
        ("prod", [2, 0, 0], 0.0, [0, 0, 0]),
        ("prod", [[2, 0], [3, 5]], 0.0, [[0, 30], [0, 0]]),
        ("max", [1, 3, 3, 2], 3.0, [0, 1, 0, 0]),
        ("min", [1, 3, 1, 2], 1.0, [1, 0, 0, 0]),
        ("max", [[1, 3], [3, 2]], 3.0, [[0, 1], [0, 0]]),
        ("max", [-inf, -inf], -inf, [1, 0]),
    ],
)
def test_reduction(name: str, x: Any, value: Any, slope: Any) -> None:
    check(name, x, value, slope)


def test_extreme_of_several_axes_goes_to_the_first_in_c_order() -> None:
    x = np.zeros((2, 2, 2))
    x[1, 0, 1] = x[1, 1, 0] = x[0, 1, 1] = 5.0
    slope = np.zeros((2, 2, 2))
    slope[1, 0, 1] = slope[0, 1, 1] = 1.0
    check("max", x, [5.0, 5.0], slope, axis=(1, 2))
    check("min", x, [0.0, 0.0], [[[1, 1], [0, 0]], [[0, 0], [0, 0]]], axis=(0, 1))


def test_nan_of_one_row_stays_in_its_row() -> None:
    found, (gradient,) = value_and_gradients(
        lambda x: ops.max(x, axis=(1,), keepdims=False), np.array([[nan, 1.0], [2.0, 3.0]])
    )
    assert np.isnan(found[0])
    assert found[1] == 3.0
    np.testing.assert_array_equal(gradient[1], [0.0, 1.0])


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_extreme_of_nothing_is_an_error_where_that_is_known(name: str) -> None:
    x = ops.argument("x", Type("real", (N, Dim.of(0))))
    with pytest.raises(TypeProblem, match=rf"{name} of nothing: real\[N, 0\]"):
        ops.OPS[name](x, axis=(1,), keepdims=False)
    ops.OPS[name](x, axis=(0,), keepdims=False)


def test_axis_that_is_not_there() -> None:
    x = ops.argument("x", Type("real", (N, D)))
    with pytest.raises(TypeProblem, match="axis 2 of an array of 2 dims") as problem:
        ops.sum(x, axis=(2,), keepdims=False)
    assert problem.value.code == "E0207"
    with pytest.raises(TypeProblem, match="one axis or all"):
        ops.argmax(ops.argument("x", Type("real", (N, D, N))), axis=(0, 1), keepdims=False)
    with pytest.raises(TypeProblem, match="takes bools"):
        ops.all(x, axis=(0,), keepdims=False)


# --- scans ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "slope"),
    [([2, 3, 4], [1 + 3 + 12, 2 + 8, 6]), ([2, 0, 4], [1, 2 + 8, 0]), ([0, 0, 4], [1, 0, 0]), ([], [])],
)
def test_cumprod_is_exact_with_zeros(x: Any, slope: Any) -> None:
    found, (gradient,) = value_and_gradients(lambda a: ops.cumprod(a, axis=0), np.asarray(x, float))
    np.testing.assert_array_equal(found, np.cumprod(np.asarray(x, float)))
    np.testing.assert_array_equal(gradient, slope)


def test_cumprod_does_not_divide() -> None:
    """The products underflow, the slopes of the first two don't."""
    x = np.array([1e-200, 1e-200, 1e100, 1e50])
    found, (gradient,) = value_and_gradients(lambda a: ops.cumprod(a, axis=0), x, cotangent=[0, 0, 0, 1])
    assert found[3] == 0.0
    np.testing.assert_allclose(gradient, [1e-50, 1e-50, 0.0, 0.0], rtol=1e-12)


def test_cumsum_is_reversed() -> None:
    _, (gradient,) = value_and_gradients(lambda a: ops.cumsum(a, axis=0), np.zeros(3), cotangent=[1, 10, 100])
    np.testing.assert_array_equal(gradient, [111.0, 110.0, 100.0])


# --- moments -------------------------------------------------------------------------------------


@pytest.mark.parametrize("constant", [0.0, 0.1, 1 / 3, -7e8, 1e-200])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 49, 1000])
def test_std_of_a_constant_is_0_and_so_is_its_slope(constant: float, n: int) -> None:
    """Also where the mean of n equal numbers is rounded to another number."""
    check("std", np.full(n, constant), 0.0, np.zeros(n), ddof=0)


@pytest.mark.parametrize("offset", [1e4, 1e8, 1e12])
def test_variance_survives_an_offset(offset: float) -> None:
    # Multiples of 1/4096 are exact beside every offset.
    x = np.random.default_rng(0).integers(-4096, 4096, 1000) / 4096
    expected = np.mean((x - x.mean()) ** 2)
    found, (gradient,) = value_and_gradients(
        lambda a: ops.var(a, axis=(0,), keepdims=False, ddof=0), offset + x
    )
    assert abs(found / expected - 1) < 2e-15
    exact = 2 * (x - x.mean()) / x.size
    np.testing.assert_allclose(gradient, exact, atol=offset * 2.3e-16 * 2 / x.size + 1e-18)


def test_degrees_of_freedom() -> None:
    check("var", [1.0, 3.0], 2.0, [-2.0, 2.0], ddof=1)
    check("var", [1.0], nan, [nan], ddof=1)
    check("var", [1.0, 2.0], nan, [nan, nan], ddof=3)
    check("var", [], nan, [], ddof=0)
    slope = [[-(0.5**0.5), 0.5**0.5], [0, 0]]
    check("std", [[1.0, 3.0], [2.0, 2.0]], [2**0.5, 0.0], slope, axis=(1,), ddof=1)


def test_too_few_for_the_degrees_of_freedom_of_a_dim() -> None:
    x = ops.argument("x", Type("real", (N,)))
    var = ops.var(x, axis=(0,), keepdims=False, ddof=2)
    for graph in (Graph((x,), (("v", var),)), Expand().run(Graph((x,), (("v", var),)))):
        assert np.isnan(evaluate(graph, {"x": np.array([1.0])}, {"N": 1})["v"])
        assert evaluate(graph, {"x": np.array([1.0, 2.0, 3.0])}, {"N": 3})["v"] == 2.0


# --- norms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "value", "slope"),
    [
        ([0.0, 0.0], 0.0, [0.0, 0.0]),
        ([3e200, 4e200], 5e200, [0.6, 0.8]),
        ([3e-200, 4e-200], 5e-200, [0.6, 0.8]),
        ([-3.0, 4.0], 5.0, [-0.6, 0.8]),
        ([-inf, 1.0], inf, [nan, 0.0]),
        ([], 0.0, []),
    ],
)
def test_euclidean_norm(x: Any, value: float, slope: Any) -> None:
    check("norm", x, value, slope, ord=2)


def test_norms_of_rows_of_all_sizes() -> None:
    x = np.array([[3.0, 4.0], [3e200, 4e200], [0.0, 0.0], [3e-200, 4e-200]])
    check("norm", x, [5, 5e200, 0, 5e-200], [[0.6, 0.8], [0.6, 0.8], [0, 0], [0.6, 0.8]], axis=(1,), ord=2)
    check("norm", x, [[5], [5e200], [0], [5e-200]], [[0.6, 0.8], [0.6, 0.8], [0, 0], [0.6, 0.8]],
          axis=(1,), ord=2, keepdims=True)  # fmt: skip


def test_taxicab_norm_is_flat_at_0() -> None:
    check("norm", [0.0, -0.0, -2.0, 3.0], 5.0, [0.0, 0.0, -1.0, 1.0], ord=1)


def test_an_infinite_cotangent_is_0_at_a_zero_norm() -> None:
    _, (gradient,) = value_and_gradients(
        lambda x: ops.norm(x, axis=(0,), keepdims=False, ord=2), np.zeros(2), cotangent=inf
    )
    np.testing.assert_array_equal(gradient, [0.0, 0.0])


# --- logsumexp -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "value", "slope"),
    [
        ([-inf, -inf], -inf, [0.0, 0.0]),
        ([inf, 1.0, inf], inf, [0.5, 0.0, 0.5]),
        ([inf, -inf], inf, [1.0, 0.0]),
        ([-inf, 2.0], 2.0, [0.0, 1.0]),
        ([1000.0, 1000.0], 1000.0 + np.log(2), [0.5, 0.5]),
        ([-1000.0, -1000.0], -1000.0 + np.log(2), [0.5, 0.5]),
        ([nan, 1.0], nan, [nan, nan]),
        ([], -inf, []),
    ],
)
def test_logsumexp(x: Any, value: float, slope: Any) -> None:
    check("logsumexp", x, value, slope)


def test_logsumexp_of_rows_does_not_mix_them() -> None:
    x = [[-inf, -inf], [inf, 0.0], [0.0, 0.0], [nan, 0.0]]
    slope = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.5], [nan, nan]]
    check("logsumexp", x, [-inf, inf, np.log(2), nan], slope, axis=(1,))
    check("logsumexp", x, [[-inf], [inf], [np.log(2)], [nan]], slope, axis=(1,), keepdims=True)
