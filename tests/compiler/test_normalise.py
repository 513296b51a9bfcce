"""Softmax, its losses, normalisation: edges, extremes, and what forward and backward share."""

from __future__ import annotations

from math import inf, log, nan
from typing import Any

import numpy as np
import pytest
from array_texts import value_and_gradients
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.passes.cse import Cse
from autodiffc.compiler.passes.expand import Expand
from autodiffc.compiler.types import Dim, Type, TypeProblem

N, K, M = Dim.symbol("N"), Dim.symbol("K"), Dim.symbol("M")


@pytest.mark.parametrize(
    ("x", "value"),
    [
        ([1000.0, 0.0], [1.0, 0.0]),
        ([-1000.0, -1000.0], [0.5, 0.5]),
        ([-inf, 0.0], [0.0, 1.0]),
        ([inf, 0.0], [nan, nan]),
        ([-inf, -inf], [nan, nan]),
        ([nan, 0.0], [nan, nan]),
        ([3.0], [1.0]),
    ],
)
def test_softmax(x: Any, value: Any) -> None:
    found, (gradient,) = value_and_gradients(lambda a: ops.softmax(a, axis=0), np.asarray(x))
    np.testing.assert_array_equal(found, value)
    np.testing.assert_array_equal(gradient, np.asarray(value) * 0.0)  # a cotangent of ones is orthogonal


def test_rows_of_softmax_are_apart() -> None:
    found, _ = value_and_gradients(lambda a: ops.softmax(a, axis=1), np.array([[-inf, -inf], [0.0, 0.0]]))
    np.testing.assert_array_equal(found, [[nan, nan], [0.5, 0.5]])


def test_log_softmax_far_from_0() -> None:
    found, (gradient,) = value_and_gradients(
        lambda a: ops.log_softmax(a, axis=0), np.array([0.0, -1000.0, -inf]), cotangent=[1.0, -1.0, 0.0]
    )
    np.testing.assert_array_equal(found, [0.0, -1000.0, -inf])
    np.testing.assert_array_equal(gradient, [1.0, -1.0, 0.0])


def test_log_softmax_beside_a_large_offset() -> None:
    found, _ = value_and_gradients(lambda a: ops.log_softmax(a, axis=0), np.array([1e8, 1e8 + 1.0]))
    np.testing.assert_allclose(found, [-1 - log(1 + np.exp(-1)), -log(1 + np.exp(-1))], rtol=6e-16)


def test_softmax_of_nothing() -> None:
    found, (gradient,) = value_and_gradients(lambda a: ops.softmax(a, axis=1), np.zeros((0, 3)))
    assert found.shape == gradient.shape == (0, 3)


# --- losses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "label", "value", "slope"),
    [
        ([0.0, 0.0], 1, log(2), [0.5, -0.5]),
        ([1000.0, 0.0], 1, 1000.0, [1.0, -1.0]),
        ([1000.0, 0.0], 0, 0.0, [0.0, 0.0]),
        ([0.0, -inf], 1, inf, [1.0, -1.0]),
        ([0.0, -inf], 0, 0.0, [0.0, 0.0]),
    ],
)
def test_cross_entropy(x: Any, label: int, value: float, slope: Any) -> None:
    found, (gradient,) = value_and_gradients(ops.cross_entropy, np.asarray(x), np.asarray(label))
    np.testing.assert_allclose(found, value, rtol=1e-15)
    np.testing.assert_allclose(gradient, slope, rtol=1e-15)
    found, (gradient,) = value_and_gradients(ops.cross_entropy, np.asarray([x, x]), np.full(2, label))
    np.testing.assert_allclose(found, [value, value], rtol=1e-15)
    np.testing.assert_allclose(gradient, [slope, slope], rtol=1e-15)


def test_cross_entropy_with_probabilities() -> None:
    x, t = np.array([0.0, -inf, 0.0]), np.array([0.25, 0.0, 0.5])  # the sum need not be 1
    found, (dx, dt) = value_and_gradients(ops.cross_entropy_probs, x, t)
    assert found == pytest.approx(0.75 * log(2), rel=1e-15)
    np.testing.assert_allclose(dx, [0.125, 0.0, -0.125], rtol=1e-15)
    np.testing.assert_allclose(dt, [log(2), inf, log(2)], rtol=1e-15)


def test_labels_out_of_range_raise() -> None:
    with pytest.raises(IndexError):
        value_and_gradients(ops.cross_entropy, np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(IndexError):
        value_and_gradients(lambda y: ops.one_hot(y, classes=Dim.of(3)), np.array([0, 3]))


@pytest.mark.parametrize(
    ("labels", "code", "message"),
    [
        (Type("int", (M,)), "E0203", r"real\[N, K\] with labels int\[M\]: N is not M"),
        (Type("int", (N, K)), "E0203", "a label for each row"),
        (Type("real", (N,)), "E0204", "labels are ints"),
    ],
)
def test_labels_that_do_not_fit(labels: Type, code: str, message: str) -> None:
    with pytest.raises(TypeProblem, match=message) as problem:
        ops.cross_entropy(ops.argument("x", Type("real", (N, K))), ops.argument("y", labels))
    assert problem.value.code == code


# --- sharing -------------------------------------------------------------------------------------


def expanded(build: Any, *types: Type) -> list[str]:
    """The names of the ops of a loss and its gradient, after expansion and CSE."""
    inputs = tuple(ops.argument(f"a{k}", t) for k, t in enumerate(types))
    graph = differentiate(Graph(inputs, (("L", build(*inputs)),)), "L", ["a0"])
    return [node.op.name for node in Cse().run(Expand().run(graph)).nodes()]


def total(x: Node) -> Node:
    return ops.sum(x, axis=tuple(range(x.rank)), keepdims=False)


MATRIX, LABELS = Type("real", (N, K)), Type("int", (N,))


@pytest.mark.parametrize(
    ("build", "types", "name", "times"),
    [
        (lambda x, y: total(ops.cross_entropy(x, y)), (MATRIX, LABELS), "exp", 1),
        (lambda x, y: total(ops.cross_entropy(x, y)), (MATRIX, LABELS), "max_shift", 1),
        (lambda x: total(ops.logsumexp(x, axis=(1,), keepdims=False)), (MATRIX,), "exp", 1),
        (lambda x: total(ops.square(ops.softmax(x, axis=1))), (MATRIX,), "exp", 1),
        (lambda x: total(ops.square(ops.log_softmax(x, axis=1))), (MATRIX,), "exp", 1),
        (lambda x: total(ops.square(ops.normalize(x, axis=(1,), eps=1e-5))), (MATRIX,), "sqrt", 1),
        (lambda x: total(ops.std(x, axis=(1,), keepdims=False, ddof=0)), (MATRIX,), "mean", 1),
    ],
)
def test_forward_and_backward_share(build: Any, types: tuple[Type, ...], name: str, times: int) -> None:
    assert expanded(build, *types).count(name) == times


# --- normalisation -------------------------------------------------------------------------------


def test_normalisation_of_a_constant_row() -> None:
    x = np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 3.0]])
    found, (gradient,) = value_and_gradients(
        lambda a: ops.normalize(a, axis=(1,), eps=1e-5), x, cotangent=[[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    )
    np.testing.assert_array_equal(found[0], 0.0)
    np.testing.assert_allclose(gradient[0], np.array([2.0, -1.0, -1.0]) / 3 / np.sqrt(1e-5), rtol=1e-14)
    without, _ = value_and_gradients(lambda a: ops.normalize(a, axis=(1,), eps=0.0), x)
    assert np.isnan(without[0]).all()
    np.testing.assert_allclose(without[1], [-np.sqrt(1.5), 0.0, np.sqrt(1.5)], rtol=1e-14)
