"""The examples' numbers: value and gradient at every level against formulas worked out by hand.

Each case is a function that returns the arguments, the expected value and the expected gradient:

    def product() -> Case:
        return Case("product", (-2.0, 5.0, -4.0), -12.0, (-4.0, -4.0, 3.0))
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import autodiffc
import numpy as np
import pytest

Build = Callable[..., ModuleType]
LEVELS = (0, 1, 2)


class Case(NamedTuple):
    """A model, its arguments in order, and what value_and_grad has to give."""

    model: str
    arguments: tuple[Any, ...]
    value: float
    grads: tuple[Any, ...]


def normals(rng: np.random.Generator, *shapes: Any) -> list[Any]:
    """Standard normal arrays of the given shapes."""
    return [rng.normal(size=shape) for shape in shapes]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def log_softmax(x: Any) -> Any:
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def max_() -> Case:
    return Case("max", (1.0, 2.0, 0.0), 6.0, (2.0, 5.0, 0.0))


def product() -> Case:
    return Case("product", (-2.0, 5.0, -4.0), -12.0, (-4.0, -4.0, 3.0))


def trig() -> Case:
    return Case("trig", (2.0, 5.0), 11.652071455223084, (5.5, 1.7163378145367738))


def mlp() -> Case:
    rng = np.random.default_rng(1)
    x, y, W1, b1, W2, b2 = normals(rng, 4, 2, (4, 3), 3, (3, 2), 2)
    h = sigmoid(x @ W1 + b1)
    y_hat = sigmoid(h @ W2 + b2)
    d_z2 = (y_hat - y) * y_hat * (1 - y_hat)
    d_z1 = (W2 @ d_z2) * h * (1 - h)
    E = 0.5 * float((y - y_hat) @ (y - y_hat))
    return Case("mlp", (x, y, W1, b1, W2, b2), E, (np.outer(x, d_z1), d_z1, np.outer(h, d_z2), d_z2))


def window() -> Case:
    """The word 3 stands twice in the window."""
    rng = np.random.default_rng(2)
    words = np.array([3, 0, 5, 3, 1])
    E, W, b, u = normals(rng, (6, 2), (4, 10), 4, 4)
    x = np.concatenate([E[word] for word in words])
    f = np.tanh(W @ x + b)
    d_z = u * (1 - f * f)
    d_E = np.zeros_like(E)
    for word, d_vector in zip(words, (W.T @ d_z).reshape(5, 2), strict=True):
        d_E[word] += d_vector
    return Case("window", (words, E, W, b, u), float(u @ f), (f, np.outer(d_z, x), d_z, d_E))


def logistic_case(margins: Any) -> Case:
    """Examples along the axes, so that the margin of example n is margins[n]."""
    margins = np.asarray(margins)
    y = np.where(np.arange(len(margins)) % 2, -1.0, 1.0)
    x, w = np.diag(y), margins
    loss = 0.5 * np.sum(w**2) + 0.5 * np.sum(np.logaddexp(0.0, -margins))
    return Case("logistic", (x, y, w), float(loss), (w - 0.5 * np.exp(-np.logaddexp(0.0, margins)),))


def logistic() -> Case:
    return logistic_case([0.3, -1.2, 2.5, 0.0])


def logistic_far_out() -> Case:
    return logistic_case([1000.0, -1000.0, 1000.0, -1000.0, 40.0])


def deep_sigmoid_arguments() -> list[Any]:
    rng = np.random.default_rng(3)
    return normals(rng, 5, (4, 5), (6, 4), (3, 6), (5, 3), (2, 5))


def activations() -> Case:
    """Within each piece and at joints: a joint belongs to the piece on its left, hardtanh's to neither."""
    z, a = np.array([-3.0, -1.0, -0.4, 0.0, 0.7, 1.0, 2.5]), 0.3
    k = math.sqrt(2 / math.pi)
    t = np.tanh(k * (z + 0.044715 * z**3))
    left, s = z <= 0, sigmoid(z)
    value = np.clip(z, -1, 1) + np.where(left, 0.01 * z, z) + np.where(left, a * z, z) + np.tanh(z)
    value += np.maximum(z, 0) + np.log(1 + np.exp(z)) + 0.5 * z * (1 + t) + z * s
    d_z = (np.abs(z) < 1) + np.where(left, 0.01, 1) + np.where(left, a, 1) + 1 - np.tanh(z) ** 2
    d_z += np.where(left, 0, 1) + s + s + z * s * (1 - s)
    d_z += 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * k * (1 + 3 * 0.044715 * z * z)
    return Case("activations", (z, a), float(value.sum()), (d_z, float(z[left].sum())))


def modules() -> Case:
    rng = np.random.default_rng(4)
    x, t = rng.normal(size=(7, 3)), rng.dirichlet([1.0] * 5, size=7)
    W1, W2, W3, W4 = normals(rng, (3, 4), (4, 5), (4, 5), (4, 5))
    b1, b2, b3, b4 = normals(rng, 4, 5, 5, 5)
    h = np.maximum(x @ W1 + b1, 0)
    s, v = h @ W2 + b2 + h @ W3 + b3, h @ W4 + b4
    log_p = log_softmax(np.maximum(s, v))
    p = np.exp(log_p)
    loss = float(np.sum((p - t) ** 2) - np.sum(t * log_p)) / 7
    d_p = 2 * (p - t)
    d_m = (p * (d_p - (p * d_p).sum(axis=1, keepdims=True)) + p - t) / 7
    d_s, d_v = np.where(s > v, d_m, 0), np.where(s > v, 0, d_m)
    d_h = (d_s @ (W2 + W3).T + d_v @ W4.T) * (h > 0)
    d_W, d_b = h.T @ d_s, d_s.sum(axis=0)
    grads = (x.T @ d_h, d_h.sum(axis=0), d_W, d_b, d_W, d_b, h.T @ d_v, d_v.sum(axis=0))
    return Case("modules", (x, t, W1, b1, W2, b2, W3, b3, W4, b4), loss, grads)


def classifier() -> Case:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(8, 6)), rng.integers(10, size=8)
    W1, b1, W2, b2 = normals(rng, (6, 5), 5, (5, 10), 10)
    h = np.maximum(x @ W1 + b1, 0)
    log_p = log_softmax(h @ W2 + b2)
    loss = -log_p[np.arange(8), y].mean()
    loss += sum(1e-5 * np.abs(W).sum() + 1e-4 * (W**2).sum() for W in (W1, W2))
    d_z = (np.exp(log_p) - np.eye(10)[y]) / 8
    d_h = (d_z @ W2.T) * (h > 0)
    d_W1, d_W2 = x.T @ d_h, h.T @ d_z
    decayed = [d_W + 1e-5 * np.sign(W) + 2e-4 * W for d_W, W in ((d_W1, W1), (d_W2, W2))]
    grads = (decayed[0], d_h.sum(axis=0), decayed[1], d_z.sum(axis=0))
    return Case("classifier", (x, y, W1, b1, W2, b2), float(loss), grads)


CASES = (max_, product, trig, mlp, window, logistic, logistic_far_out, activations, modules, classifier)


def assert_close(actual: Any, expected: Any) -> None:
    """Equal to rounding: 1e-13 of the array's largest entry."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.all(np.abs(actual - expected) <= 1e-13 * np.max(np.abs(expected))), (actual, expected)


def assert_grads(actual: Any, expected: tuple[Any, ...]) -> None:
    assert len(actual) == len(expected)
    for got, want in zip(actual, expected, strict=True):
        assert_close(got, want)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_value_and_gradient(build: Build, case: Callable[[], Case], level: int) -> None:
    model, arguments, value, grads = case()
    m = build(model, level)
    got, got_grads = m.value_and_grad(*arguments)
    assert type(got) is float
    assert_close(got, value)
    assert_grads(got_grads, grads)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_every_way_to_the_gradient_agrees(build: Build, case: Callable[[], Case], level: int) -> None:
    model, arguments, value, grads = case()
    m = build(model, level)
    outputs, cache = m.forward(*arguments)
    assert_close(outputs[-1], value)
    assert_grads(m.backward(cache), grads)
    assert_grads(m.backward(cache, 2.0), tuple(2.0 * np.asarray(g) for g in grads))
    assert_grads(m.grad(*arguments), grads)


@pytest.mark.parametrize("level", LEVELS)
def test_deep_sigmoid_takes_a_cotangent(build: Build, level: int) -> None:
    x, *weights = deep_sigmoid_arguments()
    layers = [x]
    for W in weights:
        layers.append(sigmoid(W @ layers[-1]))
    m = build("deep_sigmoid", level)
    outputs, cache = m.forward(x, *weights)
    assert_close(outputs.y, layers[-1])
    cotangent = np.array([0.7, -1.9])
    expected: list[Any] = []
    d = cotangent
    for W, before, after in reversed(list(zip(weights, layers, layers[1:], strict=False))):
        d_z = d * after * (1 - after)
        expected.insert(0, np.outer(d_z, before))
        d = W.T @ d_z
    assert_grads(m.backward(cache, cotangent), tuple(expected))


@pytest.mark.parametrize("level", LEVELS)
def test_backward_of_the_mlp_has_the_textbooks_steps(examples: Path, level: int) -> None:
    """Two outer products with saved activations, one product with W2, and no sigmoid taken anew."""
    text = autodiffc.compile((examples / "mlp.dsl").read_text(encoding="utf-8"), name="mlp.dsl", level=level)
    functions = {f.name: f for f in ast.parse(text).body if isinstance(f, ast.FunctionDef)}
    backward = list(ast.walk(functions["backward"]))
    calls = [ast.unparse(node.func) for node in backward if isinstance(node, ast.Call)]
    products = [
        ast.unparse(node.left)
        for node in backward
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
    ]
    outer = [call for call in calls if call == "np.outer" or call.endswith("[:, None].dot")]
    products += [call.removesuffix(".dot") for call in calls if call.endswith(".dot") and call not in outer]
    assert len(outer) == 2
    assert products == ["W2"]
    assert [call for call in calls if "exp" in call or "sigmoid" in call] == []
    slopes = {ast.unparse(node) for node in backward if isinstance(node, ast.BinOp)}
    slopes |= {
        f"{ast.unparse(node.args[0])} - {ast.unparse(node.args[1])}"
        for node in backward
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.subtract", "np_subtract")
    }
    one = "_1" if level == 2 else "1.0"  # at -O2 an array of rank 0
    assert {f"{one} - y_hat", f"{one} - h"} <= slopes
    assert "d_x" not in text


def test_only_what_is_asked_for_has_a_gradient(build: Build) -> None:
    wanted = {
        "max": ("x", "y", "z"),
        "mlp": ("W1", "b1", "W2", "b2"),
        "window": ("u", "W", "b", "E"),
        "deep_sigmoid": ("W1", "W2", "W3", "W4", "W5"),
        "activations": ("z", "slope"),
    }
    assert {name: build(name).Grads._fields for name in wanted} == wanted


def test_a_label_out_of_range_is_named(build: Build) -> None:
    x, y, *params = classifier().arguments
    with pytest.raises(ValueError, match=r"y: .*range\(10\).*10"):
        build("classifier").value_and_grad(x, y + (10 - y.max()), *params)


def test_a_constant_of_the_compilation_can_be_overridden(build: Build) -> None:
    m = build("classifier", 1, K=3)
    params = m.init_params(0, D=6, H=4)
    assert params.W2.shape == (4, 3)
    loss, grads = m.value_and_grad(np.ones((2, 6)), np.array([0, 2]), *params)
    assert math.isfinite(loss)
    assert grads.b2.shape == (3,)


def test_sizes_that_disagree_are_said_in_words(build: Build) -> None:
    x, y, *params = classifier().arguments
    with pytest.raises(ValueError, match=r"D is .* in W1|D is .* in x"):
        build("classifier").value_and_grad(x[:, 1:], y, *params)


def test_all_examples_have_their_line_in_the_readme(examples: Path) -> None:
    text = (examples / "README.md").read_text(encoding="utf-8")
    names = [
        path.name for path in [*examples.glob("*.dsl"), *examples.glob("*.py"), *examples.glob("*/*.dsl")]
    ]
    assert [name for name in names if f"`{name}`" not in text] == []
