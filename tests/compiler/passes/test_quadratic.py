"""Squared distances as products: the same values and gradients, and only where sizes and data allow it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.source import Source

HEAD = """model mixture
dim N, D, K
input x: real[N, D]
param mu: real[K, D]
param A: real[K, D, D]
param alpha: real[K]
"""
DISTANCES = {
    "differences from the centres": "(x - mu[:, None, :]) @ A",
    "differences from the points": "(mu[:, None, :] - x) @ A",
    "matrices that are transposed": "(x - mu[:, None, :]) @ swapaxes(A, 1, 2)",
    "matrices that are computed": "(x - exp(mu)[:, None, :]) @ (tril(A) + eye(D))",
    "no matrices": "x - mu[:, None, :]",
    "no matrices, differences from the points": "exp(mu)[:, None, :] - x",
}
LOSS = "loss L = mean(logsumexp(alpha[:, None] - 0.5 * sum(z**2, axis=2), axis=0))"
SIZES = {"N": 2000, "D": 9, "K": 20}


def _model(z: str, loss: str = LOSS) -> str:
    return f"{HEAD}z = {z}\n{loss}\n"


def _built(text: str, dims: dict[str, int] | None = None, **options: Any) -> Any:
    program = program_of(Source("mixture.dsl", text), dims or {})
    return module_of(module_text(program, Options(dims or {}, **options)), "mixture")


def _drawn(N: int, D: int, K: int, shift: float = 0.0, scale: float = 1.0) -> tuple[Any, ...]:
    rng = np.random.default_rng(3)
    matrices = scale * (0.3 * rng.normal(size=(K, D, D)) + np.eye(D))
    return shift + rng.normal(size=(N, D)), shift + rng.normal(size=(K, D)), matrices, rng.normal(size=K)


def _counted(name: str, function: Callable[..., Any], called: list[str]) -> Callable[..., Any]:
    def counted(*given: Any) -> Any:
        called.append(name)
        return function(*given)

    return counted


def _quick(module: Any, arguments: tuple[Any, ...]) -> tuple[list[str], Any]:
    """The tiles that are computed, by the names of their functions, and the results."""
    called: list[str] = []
    for name in filter(partial(hasattr, module), ("_on_tile", "_on_tile_2")):
        setattr(module, name, _counted(name, getattr(module, name), called))
    return called, module.value_and_grad(*arguments)


def _assert_near(found: Any, expected: Any, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(found[0], expected[0], rtol=tolerance)
    for one, other in zip(found[1], expected[1]):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


@pytest.mark.parametrize("z", DISTANCES.values(), ids=DISTANCES)
@pytest.mark.parametrize("known", [{}, {"D": 9, "K": 20}, SIZES], ids=["no size", "two sizes", "all sizes"])
def test_values_and_gradients_stay(z: str, known: dict[str, int]) -> None:
    arguments = _drawn(**SIZES)
    expected = _built(_model(z), level=0).value_and_grad(*arguments)
    called, found = _quick(_built(_model(z), level=2, dims=known), arguments)
    assert set(called) == {"_on_tile"}
    _assert_near(found, expected)


def test_distances_with_the_points_first() -> None:
    text = f"{HEAD}loss L = mean(logsumexp(alpha - sum((x[:, None, :] - mu)**2, axis=2), axis=1) - x[:, 0])"
    arguments = _drawn(**SIZES)
    expected = _built(text, level=0).value_and_grad(*arguments)
    called, found = _quick(_built(text, level=2), arguments)
    assert set(called) == {"_on_tile"}
    _assert_near(found, expected)


OTHERS: dict[str, dict[str, Any]] = {
    "few centres": {"K": 2},
    "few points": {"N": 50},
    "no points": {"N": 0},
    "far from zero": {"shift": 1000.0},
    "small beside what they are made of": {"shift": 500.0, "scale": 1e-3},
    "large": {"scale": 1e6},
}


MATRICES, NONE = DISTANCES["differences from the centres"], DISTANCES["no matrices"]


@pytest.mark.parametrize(
    ("z", "other"),
    [
        *((MATRICES, other) for other in OTHERS.values()),
        *((NONE, other) for other in OTHERS.values() if "scale" not in other),
        (NONE, {"D": 3}),
    ],
)
def test_sizes_and_data_for_which_a_model_is_computed_as_it_stands(z: str, other: dict[str, Any]) -> None:
    text = _model(z, LOSS.replace("mean", "sum"))
    arguments = _drawn(**{**SIZES, **other})
    expected = _built(text, level=0).value_and_grad(*arguments)
    called, found = _quick(_built(text, level=2), arguments)
    assert called[-1:] == ["_on_tile_2"]
    _assert_near(found, expected)


def test_a_distance_that_is_the_loss_itself_keeps_its_digits() -> None:
    text = _model("(x - mu[:, None, :]) @ A", "loss L = sum(sum(z**2, axis=2))")
    _, mu, matrices, alpha = _drawn(**SIZES)
    x = np.repeat(mu, 100, axis=0) + 1e-7 * _drawn(**SIZES)[0]
    arguments = x, mu, matrices, alpha
    expected = _built(text, level=0).value_and_grad(*arguments)
    called, found = _quick(_built(text, level=2), arguments)
    assert called[-1] == "_on_tile_2"
    _assert_near(found, expected)


SCALES = (
    "/ width",
    "* (1 / width)",
    "/ (width * exp(alpha - alpha)[:, None])",
    "* 1e6",
    "* 1e6 - alpha[:, None]",
)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("z", DISTANCES.values(), ids=DISTANCES)
def test_exponents_that_are_large_multiples_of_distances_keep_their_digits(z: str, scale: str) -> None:
    loss = f"param width: real\nloss L = mean(logsumexp(alpha[:, None] - sum(z**2, axis=2) {scale}, axis=0))"
    text = _model(z, loss)
    x, mu, matrices, alpha = _drawn(**SIZES)
    x = np.concatenate(
        [x[:100], np.repeat(mu, 100, axis=0)[100:] + 1e-3 * x[100:]]
    )  # few points far from centres
    arguments = x, mu, matrices, alpha, 1e-6
    expected = _built(text, level=0).value_and_grad(*arguments)
    called, found = _quick(_built(text, level=2), arguments)
    assert set(called) == {"_on_tile_2"}
    _assert_near(found, expected)


def test_what_isn_t_a_number_stays_so() -> None:
    x, *params = _drawn(**SIZES)
    x[7, 1] = np.nan
    value, _ = _built(_model("(x - mu[:, None, :]) @ A"), level=2).value_and_grad(x, *params)
    assert np.isnan(value)


@pytest.mark.parametrize(
    "options", [{"level": 1}, {"level": 2, "dtype": "float32"}, {"level": 2, "numerics": "precise"}]
)
def test_no_other_form_where_digits_are_few_or_wanted(options: dict[str, Any]) -> None:
    module = _built(_model("(x - mu[:, None, :]) @ A"), **options)
    assert not hasattr(module, "_on_tile_2")


PLAIN = "(x - mu[:, None, :]) @ A"
NEAR = "loss L = mean(logsumexp(alpha[:, None] - q, axis=0))"
TAKEN = {
    "a mean": "loss L = mean(q)",
    "a root of a sum": "loss L = sqrt(1 + sum(q * alpha[:, None])**2)",
    "weights of centres": "loss L = sum(q * alpha[:, None]) / N",
    "energies": NEAR,
    "sums of energies": "loss L = -sum(logsumexp(-q / exp(alpha)[:, None], axis=0)) * exp(alpha[0])",
    "energies beside an output": f"output share = softmax(-q, axis=0)\n{NEAR}",
    "energies and distances": "loss L = mean(logsumexp(-q, axis=0)) + mean(stack(q, 2 * q) / N)",
}
REFUSED = {
    "no choice": (NEAR, "loss L = sum(min(q, axis=0))"),
    "no choice of energies": (NEAR, "loss L = sum(relu(logsumexp(q, axis=0)))"),
    "no roots": (NEAR, "loss L = sum(sqrt(q))"),
    "no divisors": (NEAR, "loss L = sum(1 / q)"),
    "no kernels": (NEAR, "loss L = sum(exp(-q))"),
    "no kernels of densities": (NEAR, "loss L = sum(exp(logsumexp(-q, axis=0)))"),
    "no kernels on all points": (NEAR, "loss L = sum(logsumexp(-q, axis=1))"),
    "no weights of points": (NEAR, "loss L = sum(q * x[:, 0])"),
    "no weights of points' energies": (NEAR, "loss L = x[:, 0] @ logsumexp(q, axis=0)"),
    "no part": (NEAR, "loss L = sum(q[:, :100])"),
    "no squares": (NEAR, "loss L = sum(q**2)"),
    "no products": (NEAR, "loss L = sum((A[0, 0, 0] * q) * q)"),
    "no points that are differentiated": ("input x: real[N, D]", "param x: real[N, D]"),
    "no sums over other axes": ("axis=2)", "axis=1)"),
    "no other powers": ("z**2", "z**4"),
}


def _with_loss(loss: str) -> str:
    return _model(PLAIN, f"q = sum(z**2, axis=2)\n{loss}")


def _has_both(text: str) -> bool:
    return "are_exact" in module_text(program_of(Source("m.dsl", text)), Options(level=2))


@pytest.mark.parametrize("loss", TAKEN.values(), ids=TAKEN)
def test_models_with_another_form(loss: str) -> None:
    arguments = _drawn(**SIZES)
    expected = _built(_with_loss(loss), level=0).value_and_grad(*arguments)
    called, found = _quick(_built(_with_loss(loss), level=2), arguments)
    assert set(called) == {"_on_tile"}
    assert _has_both(_with_loss(loss))
    _assert_near(found, expected)


@pytest.mark.parametrize(("old", "new"), REFUSED.values(), ids=REFUSED)
def test_models_with_no_other_form(old: str, new: str) -> None:
    text = _with_loss(NEAR)
    assert old in text
    assert "are_exact" not in module_text(
        program_of(Source("m.dsl", text.replace(old, new))), Options(level=2)
    )
