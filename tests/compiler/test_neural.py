"""Convolutions, pools, batch norm and dropout where their definition leaves something open.

    m.value_and_grad(x, w, np.random.default_rng(0))        # the same state, the same masks

Values and gradients at generic points are compared with JAX in `test_neural_jax.py`.
"""

from __future__ import annotations

import inspect
import pickle
import re
import warnings
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler.gradcheck import check
from autodiffc.grammar.source import Source

LEVELS = (0, 1, 2)
every_level = pytest.mark.parametrize("level", LEVELS)


def text_of(model: str, **options: Any) -> str:
    return module_text(program_of(Source("model.dsl", model)), Options(**options))


def compiled(model: str, **options: Any) -> Any:
    return module_of(text_of(model, **options), "model")


def proved(model: str, **options: Any) -> None:
    """The gradient agrees with SymPy's and with differences."""
    program = program_of(Source("model.dsl", model))
    report = check(program, module_of(module_text(program, Options(**options)), "model"), points=1)
    assert {row.verdict for row in report.rows} == {"ok"}
    assert report.ok


def value_and_pullback(model: str, seed: Any, *arguments: Any, **options: Any) -> tuple[Any, Any]:
    m = compiled(model, **options)
    outputs, cache = m.forward(*arguments)
    return outputs[0], m.backward(cache, seed)


# --- max pooling ---------------------------------------------------------------------------------

POOL = "dim N, C, L\ninput x: real[N, C, L]\noutput y = max_pool1d(x, {})\ngrad y wrt x\n"


def pooled(options: str, x: list[float], seed: list[float], **how: Any) -> tuple[list[float], list[float]]:
    y, (slope,) = value_and_pullback(POOL.format(options), [[seed]], [[x]], **how)
    return y[0, 0].tolist(), slope[0, 0].tolist()


@every_level
def test_a_tie_goes_to_the_first(level: int) -> None:
    assert pooled("3", [2.0, 2.0, 1.0], [5.0], level=level) == ([2.0], [5.0, 0.0, 0.0])


def test_a_tie_of_a_plane_goes_to_the_first_in_row_major_order() -> None:
    model = "input x: real[1, 3, 3]\noutput y = max_pool2d(x, 2, stride=1)\ngrad y wrt x\n"
    x = [[[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]]
    _, (slope,) = value_and_pullback(model, [[[1.0, 10.0], [100.0, 1000.0]]], x)
    assert slope[0].tolist() == [[0.0, 11.0, 0.0], [100.0, 0.0, 1000.0], [0.0, 0.0, 0.0]]


def test_overlapping_windows_add_up() -> None:
    assert pooled("3, stride=1", [0.0, 1.0, 2.0, 1.0, 0.0], [1.0, 2.0, 4.0]) == ([2.0] * 3, [0, 0, 7.0, 0, 0])


def test_what_no_window_reaches_gets_zero() -> None:
    assert pooled("2, stride=3", [1.0, 2.0, 9.0, 4.0, 3.0, 9.0], [1.0, 1.0]) == (
        [2.0, 4.0],
        [0, 1.0, 0, 1.0, 0, 0],
    )


@every_level
def test_the_rim_never_wins(level: int) -> None:
    low = -np.inf
    y, slope = pooled("3, stride=1, padding=1", [low, low, -5.0], [1.0, 10.0, 100.0], level=level)
    assert y == [low, -5.0, -5.0]
    assert slope == [1.0, 0.0, 110.0]


def test_the_rim_never_wins_beside_a_dilation() -> None:
    low = -np.inf
    _, slope = pooled("3, stride=1, padding=1, dilation=2", [low, low, low, low], [1.0, 10.0])
    assert slope == [10.0, 1.0, 0.0, 0.0]


@every_level
def test_nan_goes_through_and_stays_in_its_windows(level: int) -> None:
    y, slope = pooled("2", [1.0, np.nan, 3.0, 4.0, np.inf, np.nan], [1.0, 10.0, 100.0], level=level)
    assert np.isnan(y[0])
    assert y[1] == 4.0
    assert np.isnan(y[2])
    assert slope == [0.0, 1.0, 0.0, 10.0, 0.0, 100.0]


def test_a_padded_window_of_dilated_elements_needs_room() -> None:
    m = compiled(POOL.format("2, stride=1, padding=1, dilation=3"))
    with pytest.raises(ValueError, match=r"a padded window of elements 3 apart on an axis of L .* L is 2"):
        m.forward(np.ones((1, 1, 2)))


# --- windows that do not fit, no examples ----------------------------------------------------------

CONV = (
    "dim N, C, H, W, O, K\ninput x: real[N, C, H, W]\nparam w: real[O, C, K, K]\nparam b: real[O]\n"
    "output y = conv2d(x, w, b, stride=2)\ngrad y wrt x, w, b\n"
)


@pytest.mark.parametrize(("size", "kernel"), [(2, 3), (0, 1)])
def test_a_window_that_does_not_fit_is_said_in_words(size: int, kernel: int) -> None:
    m = compiled(CONV)
    with pytest.raises(
        ValueError, match=rf"a window of K on an axis of H \(line 5\).*H is {size}, K is {kernel}"
    ):
        m.forward(np.ones((1, 2, size, 4)), np.ones((3, 2, kernel, kernel)), np.ones(3))


@every_level
def test_no_examples(level: int) -> None:
    x, w, b = np.ones((0, 2, 5, 5)), np.ones((3, 2, 2, 2)), np.ones(3)
    y, grads = value_and_pullback(CONV, np.ones((0, 3, 2, 2)), x, w, b, level=level)
    assert y.shape == (0, 3, 2, 2)
    assert [g.shape for g in grads] == [x.shape, w.shape, b.shape]
    assert not any(g.any() for g in grads)


@every_level
def test_rows_that_the_stride_leaves_over_get_zero(level: int) -> None:
    x, w, b = np.ones((1, 1, 4, 5)), np.ones((1, 1, 2, 2)), np.zeros(1)
    _, (slope, _, _) = value_and_pullback(CONV, np.ones((1, 1, 2, 2)), x, w, b, level=level)
    assert slope[0, 0].tolist() == [[1.0, 1.0, 1.0, 1.0, 0.0]] * 4


def test_a_single_example_without_its_axis() -> None:
    one = compiled(CONV.replace("[N, C, H, W]", "[C, H, W]").replace("dim N, ", "dim "))
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 6, 5)), rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3)
    y, cache = one.forward(x, w, b)
    wide, wide_cache = compiled(CONV).forward(x[None], w, b)
    np.testing.assert_array_equal(y.y, wide.y[0])
    seed = rng.normal(size=y.y.shape)
    for g, expected in zip(one.backward(cache, seed), compiled(CONV).backward(wide_cache, seed[None])):
        np.testing.assert_allclose(g, expected.reshape(g.shape), rtol=1e-13)


@pytest.mark.parametrize("axes", [1, 2])
def test_the_adjoint_identity_of_a_convolution(axes: int) -> None:
    """<A v, u> = <v, A' u>, for the convolution as a map of x and as one of w."""
    sides, kernel = [("L", "K"), ("H, W", "K, K")][axes - 1]
    names = f"dim N, C, O, K, {sides}\n"
    model = (
        f"{names}input x: real[N, C, {sides}]\nparam w: real[O, C, {kernel}]\n"
        f"output y = conv{axes}d(x, w, stride=2, padding=1, dilation=2)\ngrad y wrt x, w\n"
    )
    rng = np.random.default_rng(5)
    x, w = rng.normal(size=(2, 3, *(9, 8)[:axes])), rng.normal(size=(4, 3, *(3, 3)[:axes]))
    m = compiled(model)
    outputs, cache = m.forward(x, w)
    u = rng.normal(size=outputs.y.shape)
    back = m.backward(cache, u)
    inner = np.vdot(outputs.y, u)
    np.testing.assert_allclose([np.vdot(x, back.x), np.vdot(w, back.w)], [inner, inner], rtol=1e-13)


def test_a_padding_made_of_dims() -> None:
    model = CONV.replace("stride=2", "padding=K//2")
    rng = np.random.default_rng(0)
    y, _ = value_and_pullback(
        model, np.ones((1, 1, 5, 6)), rng.normal(size=(1, 2, 5, 6)), rng.normal(size=(1, 2, 3, 3)), [0.0]
    )
    assert y.shape == (1, 1, 5, 6)


@pytest.mark.parametrize(
    "line",
    [
        "conv2d(x, w, b, stride=2, padding=1)", "conv2d(x, w[:, :, :1, :1], b)",
        "conv2d(x, reshape(w, 6, 1, 2, 2), groups=2)", "avg_pool2d(conv2d(x, w), 2, stride=1)",
        "max_pool2d(conv2d(x, w, padding=1), (2, 3), stride=1)", "conv1d(x[:, :, 0], w[:, :, 0], b)",
        "avg_pool2d(x * w[0, 0, 0, 0], 2, padding=1, count_include_pad=false)",
        "batch_norm(conv2d(x, w), b, b)", "batch_norm(conv2d(x, w), b, b, s, s**2 + 1)",
        "dropout(conv2d(x, w, b), 0.3)", "layer_norm(conv2d(x, w), 1.0, 0.0, axis=(1, 2, 3))",
    ],
)  # fmt: skip
def test_the_check_proves_the_gradient(line: str) -> None:
    proved(
        "dim N, H\ninput x: real[N, 2, H, 4]\nparam w: real[3, 2, 2, 2]\nparam b: real[3]\nparam s: real[3]\n"
        f"loss L = sum({line}**2)\n"
    )


# --- batch norm ----------------------------------------------------------------------------------

NORM = """
dim N, C, H
input x: real[N, C, H, H]
input mean, var: real[C]
param gamma, beta: real[C]
y = batch_norm(x, gamma, beta, mean, var, training={training})
output z = tanh(y)
mu, v = batch_moments(x)
output mu
output v
loss L = sum(z**2 * x)
"""


def standardised(x: Any, mean: Any, var: Any) -> Any:
    return (x - mean[:, None, None]) / np.sqrt(var[:, None, None] + 1e-5)


def batch() -> tuple[Any, ...]:
    rng = np.random.default_rng(3)
    x = 2.0 + rng.normal(size=(4, 3, 5, 5))
    return x, rng.normal(size=3), rng.uniform(0.5, 2.0, 3), rng.normal(size=3), rng.normal(size=3)


@every_level
def test_given_statistics(level: int) -> None:
    x, mean, var, gamma, beta = batch()
    model = NORM.format(training="false")
    m = compiled(model, level=level)
    expected = np.tanh(standardised(x, mean, var) * gamma[:, None, None] + beta[:, None, None])
    for outputs in (m.forward(x, mean, var, gamma, beta)[0], m.predict(x, mean, var, gamma, beta)):
        np.testing.assert_allclose(outputs.z, expected, rtol=1e-12)


@every_level
def test_the_batch_trains_and_the_given_statistics_predict(level: int) -> None:
    x, mean, var, gamma, beta = batch()
    model = NORM.format(training="true")
    m = compiled(model, level=level)
    own, spread = x.mean((0, 2, 3)), x.var((0, 2, 3))
    training, _ = m.forward(x, mean, var, gamma, beta)
    scaled = standardised(x, own, spread) * gamma[:, None, None] + beta[:, None, None]
    np.testing.assert_allclose(training.z, np.tanh(scaled), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(training.mu, own, rtol=1e-13)
    np.testing.assert_allclose(training.v, x.var((0, 2, 3), ddof=1), rtol=1e-12)
    fixed = standardised(x, mean, var) * gamma[:, None, None] + beta[:, None, None]
    np.testing.assert_allclose(m.predict(x, mean, var, gamma, beta).z, np.tanh(fixed), rtol=1e-12)


def test_a_constant_channel_has_a_finite_gradient() -> None:
    x, mean, var, gamma, beta = batch()
    x[:, 1] = 7.0
    model = NORM.format(training="true") + "grad L wrt x, gamma\n"
    value, grads = compiled(model).value_and_grad(x, mean, var, gamma, beta)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in grads)


# --- dropout -------------------------------------------------------------------------------------

DROP = """
dim N, H
input x: real[N, H]
param w: real[H]
h = dropout(x * w, {rate})
output p = h
loss L = sum(h**3)
"""


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@every_level
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 1.0])
def test_one_mask_in_both_passes(level: int, rate: float) -> None:
    m = compiled(DROP.format(rate=rate), level=level)
    x, w = rng(1).normal(size=(40, 30)), rng(2).normal(size=30)
    kept = rng(7).random(x.shape) >= rate
    h = np.where(kept, x * w, 0.0) / (1.0 - rate if rate < 1.0 else 1.0)
    d_h = 3.0 * h**2 * kept / (1.0 - rate if rate < 1.0 else 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, grads = m.value_and_grad(x, w, rng(7))
        outputs, cache = m.forward(x, w, rng(7))
        again = m.backward(cache)
    np.testing.assert_allclose(outputs.p, h, rtol=1e-15)
    assert value == outputs.L
    np.testing.assert_allclose(value, (h**3).sum(), rtol=1e-12)
    for found in (grads.w, again.w, m.grad(x, w, rng=rng(7)).w):
        np.testing.assert_allclose(found, (d_h * x).sum(axis=0), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(m.predict(x, w).p, x * w)


def test_the_share_that_is_kept() -> None:
    m = compiled(DROP.format(rate=0.3))
    outputs, _ = m.forward(np.ones((300, 300)), np.ones(300), rng())
    assert abs((outputs.p == 0.0).mean() - 0.3) < 0.01
    assert abs(outputs.p.mean() - 1.0) < 0.02


@every_level
def test_what_is_dropped_is_zero_and_so_is_its_gradient(level: int) -> None:
    model = "dim N\ninput x: real[N]\noutput y = dropout(sqrt(x), 0.5)\ngrad y wrt x\n"
    m = compiled(model, level=level)
    kept = rng(1).random(50) >= 0.5
    x = np.where(kept, 4.0, np.where(np.arange(50) % 2, 0.0, np.inf))
    outputs, cache = m.forward(x, rng(1))
    np.testing.assert_array_equal(outputs.y, np.where(kept, 4.0, 0.0))
    np.testing.assert_array_equal(m.backward(cache, np.ones(50)).x, np.where(kept, 0.5, 0.0))


TWICE = """
dim N
input x: real[N]
param w: real[N]
def noisy(a):
    return dropout(a, 0.5)
output a = noisy(x)
output b = noisy(x)
output c = dropout(x, 0.5)
loss L = sum(w * b)
"""


@every_level
def test_equal_calls_draw_masks_of_their_own(level: int) -> None:
    m = compiled(TWICE, level=level)
    x = np.ones(64)
    outputs, cache = m.forward(x, x, rng(3))
    stream = rng(3)
    for found in (outputs.a, outputs.b, outputs.c):
        np.testing.assert_array_equal(found, 2.0 * (stream.random(64) >= 0.5))
    value, grads = m.value_and_grad(x, x, rng(3))
    assert value == outputs.L
    np.testing.assert_array_equal(grads.w, outputs.b)
    np.testing.assert_array_equal(m.backward(cache).w, outputs.b)
    assert [np.array_equal(x, y) for x, y in zip(m.predict(x, x)[:3], (x, x, x))] == [True] * 3


def test_the_state_of_the_generator_is_what_counts() -> None:
    m = compiled(DROP.format(rate=0.5))
    x, w = np.ones((5, 4)), np.ones(4)
    generator = rng(9)
    state = generator.bit_generator.state
    first = m.value_and_grad(x, w, generator)
    second = m.value_and_grad(x, w, generator)
    generator.bit_generator.state = state
    third = m.value_and_grad(x, w, generator)
    np.testing.assert_array_equal(first[1].w, third[1].w)
    assert first[0] == third[0]
    assert not np.array_equal(first[1].w, second[1].w)


def test_the_argument_comes_last_and_predict_has_none() -> None:
    m = compiled(DROP.format(rate=0.5))
    for function in (m.forward, m.value_and_grad, m.grad):
        assert list(inspect.signature(function).parameters) == ["x", "w", "rng"]
    assert list(inspect.signature(m.objective).parameters) == ["x", "rng"]
    assert list(inspect.signature(m.predict).parameters) == ["x", "w"]
    assert m.SPEC["rng"] == "rng"
    assert "rng" not in compiled(DROP.format(rate=0.5).replace("dropout(x * w, 0.5)", "x * w")).SPEC


def test_a_value_of_the_model_called_rng_or_mask() -> None:
    model = DROP.format(rate=0.5).replace("x", "rng").replace("h = ", "mask = rng + w\nh = ")
    m = compiled(model)
    assert list(inspect.signature(m.forward).parameters) == ["rng", "w", m.SPEC["rng"]]
    x, w = rng(1).normal(size=(3, 4)), rng(2).normal(size=4)
    value, _ = m.value_and_grad(x, w, rng(4))
    expected = compiled(DROP.format(rate=0.5)).value_and_grad(x, w, rng(4))[0]
    assert value == expected


@pytest.mark.parametrize("wrong", [0, None, np.random.RandomState(0), np.random])
def test_what_is_no_generator(wrong: Any) -> None:
    m = compiled(DROP.format(rate=0.5))
    with pytest.raises(TypeError, match=r"rng: expected a numpy\.random\.Generator, got \w+"):
        m.value_and_grad(np.ones((2, 3)), np.ones(3), wrong)
    with pytest.raises(TypeError, match="rng"):
        m.forward(np.ones((2, 3)), np.ones(3))


def test_an_objective_draws_anew_and_can_be_pickled(tmp_path: Any, monkeypatch: Any) -> None:
    path = tmp_path / "dropping.py"
    path.write_text(text_of(DROP.format(rate=0.5)), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    import dropping  # type: ignore[import-not-found]

    objective = dropping.objective(np.ones((5, 4)), rng(2))
    copy = pickle.loads(pickle.dumps(objective))
    theta = np.ones(4)
    values = [objective(theta)[0] for _ in range(3)]
    assert values == [copy(theta)[0] for _ in range(3)]
    assert len(set(values)) > 1


@every_level
def test_the_masks_are_the_same_in_single_precision(level: int) -> None:
    x, w = rng(1).normal(size=(6, 5)).astype(np.float32), np.ones(5, np.float32)
    single = compiled(DROP.format(rate=0.4), dtype="float32", level=level)
    value, grads = single.value_and_grad(x, w, rng(8))
    outputs, _ = single.forward(x, w, rng(8))
    expected, slopes = compiled(DROP.format(rate=0.4)).value_and_grad(x, w, rng(8))
    assert outputs.p.dtype == grads.w.dtype == np.float32
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(grads.w, slopes.w, rtol=1e-5, atol=1e-6)


def test_masks_are_kept_as_bools() -> None:
    assert re.search(r"mask: ndarray  # bool\[N, H\]", text_of(DROP.format(rate=0.5)))


def test_a_scalar_is_dropped_or_not() -> None:
    m = compiled("param w: real\nloss L = dropout(w, 0.5)**2\n")
    values = {m.value_and_grad(3.0, rng(seed)) for seed in range(20)}
    assert values == {(0.0, m.Grads(0.0)), (36.0, m.Grads(24.0))}


# --- starting points -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "shape", "fan"),
    [
        ("conv2d(x, w)", (64, 3, 3, 3), 27), ("conv2d(x, w, groups=3)", (66, 1, 3, 3), 9),
        ("conv2d(x, w)", (256, 3, 1, 1), 3), ("conv1d(x[0], w)", (64, 3, 5), 15),
    ],
)  # fmt: skip
def test_weights_of_a_convolution_start_by_what_feeds_them(call: str, shape: Any, fan: int) -> None:
    images = "1, 3, 9, 9" if "conv2d" in call else "1, 1, 3, 9"
    dims = ", ".join(map(str, shape))
    model = f"input x: real[{images}]\nparam w: real[{dims}] = kaiming()\nloss L = sum({call})\n"
    w = compiled(model).init_params(0).w
    assert w.shape == shape
    np.testing.assert_allclose(w.std(), np.sqrt(2.0 / fan), rtol=0.1)
    reach = np.sqrt(6.0 / (fan + shape[0] * np.prod(shape[2:])))
    spread = np.abs(compiled(model.replace("kaiming", "xavier")).init_params(0).w).max()
    assert 0.97 * reach < spread < reach


DROPOUT_IN_LOOPS = """
dim T, N
input x: real[T, N]
param w: real[N]
h = zeros(N)
for t in range(T):
    h = dropout(h * w + x[t], 0.5)
    if sum(h) > 0:
        h = dropout(h, 0.2) * 2
    for k in range(2):
        h = h + dropout(w, 0.1)
output y = h
loss L = sum(h**2)
"""


@pytest.mark.parametrize("level", [0, 1, 2])
def test_each_step_draws_a_mask_of_its_own(level: int) -> None:
    module = compiled(DROPOUT_IN_LOOPS, level=level)
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((5, 4)), rng.standard_normal(4)
    value, grads = module.value_and_grad(x, w, np.random.default_rng(7))
    draws = np.random.default_rng(7)
    first, second, third = (
        draws.random(shape) >= rate for shape, rate in [((5, 4), 0.5), ((5, 4), 0.2), ((5, 2, 4), 0.1)]
    )

    def expected(w: np.ndarray) -> float:
        h = np.zeros(4)
        for t in range(5):
            h = np.where(first[t], h * w + x[t], 0) / 0.5
            if h.sum() > 0:
                h = np.where(second[t], h, 0) / 0.8 * 2
            for k in range(2):
                h = h + np.where(third[t, k], w, 0) / 0.9
        return float((h**2).sum())

    np.testing.assert_allclose(value, expected(w), rtol=1e-13)
    for i, step in enumerate(1e-6 * np.eye(4)):
        slope = (expected(w + step) - expected(w - step)) / 2e-6
        np.testing.assert_allclose(grads.w[i], slope, rtol=1e-6, atol=1e-8)
