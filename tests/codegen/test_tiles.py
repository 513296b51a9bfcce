"""Modules in tiles: what they give is what whole arrays give, whatever the sizes."""

from __future__ import annotations

import warnings
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest
from autodiffc.api import LEVELS, Options, module_of, module_text, program_of
from autodiffc.codegen import routines_tiles
from autodiffc.grammar.source import Source
from tiled import every_region, in_tiles
from whole_checks import Unfit, case_of, results, same
from whole_models import whole_model

ELEMENTWISE = """
dim N
input x, y: real[N]
param a: real[N]
t = tanh(a * x + y)
u = exp(-t**2) + log1p(a**2)
v = sqrt(1 + u**2) / (1 + abs(t))
loss L = sum((v * t + u / v)**2 * x)
"""
SOFTMAX = """
dim N, D, K
input x: real[N, D]
input y: int[N] in range(K)
param W: real[D, K]
param b: real[K]
logits = x @ W + b
output p = softmax(logits)
loss L = mean(cross_entropy(logits, y)) + 0.1 * sum(W**2)
"""
SQUARED_DISTANCES = """
dim N, D, K
input x: real[N, D]
input y: real[N]
param centres: real[K, D]
param g: real > 0
param w: real[K]
d2 = sum(x**2, axis=1, keepdims=true) - 2 * x @ centres.T + sum(centres**2, axis=1)
loss L = sum((exp(-g * d2) @ w - y)**2) / N
"""
NORMALISED = """
dim N, D
input x: real[N, D]
param scale, shift: real[D]
centred = x - mean(x, axis=0)
z = centred / sqrt(mean(centred**2, axis=0) + 0.1) * scale + shift
loss L = sum(tanh(z) * sigmoid(z)) + max(z)
"""
FEATURES_FIRST = """
dim N, D
input x: real[D, N]
param w: real[D]
z = tanh(w[:, None] * x)
loss L = sum(exp(sum(z, axis=0)) * cos(z[0])) + sum(z[:, :-1] * z[:, 1:])
"""
LARGE_AND_FIXED = """
input x: real[5000, 3]
param w: real[3]
z = sin(x * w)
loss L = sum(exp(-z**2) * tanh(z) * cos(z) / (1 + z**2))
"""
GATHERED = """
dim N, K
input k: int[N]
input seen: real[N, 3]
param table: real[K, 7]
param w: real[N]
axis, centre, scale = table[k, 0:3], table[k, 3:6], table[k, 6:7]
turned = axis * roll(seen - centre, 1, axis=1) - roll(axis, -1, axis=1) * seen
loss L = sum(w[:, None] * tanh(scale * turned)**2) + sum(exp(-w))
"""
PAIRS = """
dim N, D, K
input x: real[N, D]
input y: real[N]
param centres: real[K, D]
param w: real[K]
param log_width: real[D]
d2 = sum(((x[:, None, :] - centres) * exp(-log_width))**2, axis=2)
loss L = mean((y - softmax(-0.5 * d2, axis=1) @ w)**2)
"""
MODELS = {
    "gathered": GATHERED, "elementwise": ELEMENTWISE, "softmax": SOFTMAX, "distances": SQUARED_DISTANCES,
    "normalised": NORMALISED, "features first": FEATURES_FIRST, "pairs": PAIRS,
}  # fmt: skip


@cache
def program(text: str) -> Any:
    return program_of(Source("model.dsl", text))


def drawn(text: str, sizes: dict[str, int], seed: int = 0) -> list[Any]:
    """Arguments for a model."""
    generator = np.random.default_rng(seed)
    found: list[Any] = []
    for argument in program(text).arguments:
        shape = tuple(dim.evaluate(sizes) for dim in argument.type.shape)
        if argument.type.kind == "int":
            found.append(generator.integers(0, sizes["K"], shape))
        else:
            value = generator.uniform(0.2, 1.5, shape)
            found.append(value if shape else float(value))
    return found


@cache
def whole(text: str, **options: Any) -> Any:
    return module_of(module_text(program(text), Options(level=0, **options)), "model")


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("name", MODELS)
def test_value_and_gradient(name: str, count: int, rows: int) -> None:
    text, sizes = MODELS[name], {"N": count, "D": 3, "K": 4}
    arguments = drawn(text, sizes)
    copies = [np.copy(a) for a in arguments]
    value, grads = whole(text).value_and_grad(*arguments)
    tiled_value, tiled_grads = in_tiles(program(text), rows).value_and_grad(*arguments)
    np.testing.assert_allclose(tiled_value, value, rtol=1e-12)
    for tiled_grad, grad in zip(tiled_grads, grads):
        np.testing.assert_allclose(tiled_grad, grad, rtol=1e-10, atol=1e-13)
    for argument, copy in zip(arguments, copies):
        np.testing.assert_array_equal(argument, copy)


@pytest.mark.parametrize("rows", [1000, 120])
@pytest.mark.parametrize("name", MODELS)
def test_many_rows(name: str, rows: int) -> None:
    """Where rows are short and many, arrays of tiles lie in memory by columns."""
    arguments = drawn(MODELS[name], {"N": 300, "D": 3, "K": 4})
    value, grads = whole(MODELS[name]).value_and_grad(*arguments)
    tiled_value, tiled_grads = in_tiles(program(MODELS[name]), rows).value_and_grad(*arguments)
    np.testing.assert_allclose(tiled_value, value, rtol=1e-12)
    for tiled_grad, grad in zip(tiled_grads, grads):
        np.testing.assert_allclose(tiled_grad, grad, rtol=1e-10, atol=1e-12)
        assert np.asarray(tiled_grad).flags.c_contiguous


def test_sums_of_what_lies_in_columns_lie_in_columns() -> None:
    """However many they are: written across columns they would take several times as long."""
    text = module_text(program(PAIRS), Options(level=2))
    assert "_by_columns((rows, K, D), 0)" in text
    assert "_by_columns((rows, K), 0, width=D)" in text
    arguments = drawn(PAIRS, {"N": 300, "D": 3, "K": 60})
    value, grads = whole(PAIRS).value_and_grad(*arguments)
    tiled_value, tiled_grads = in_tiles(program(PAIRS), 120).value_and_grad(*arguments)
    np.testing.assert_allclose(tiled_value, value, rtol=1e-12)
    for tiled_grad, grad in zip(tiled_grads, grads):
        np.testing.assert_allclose(tiled_grad, grad, rtol=1e-10, atol=1e-12)


SUMS = """
dim N, D, K
input x: real[N, D]
param c: real[K, D]
param a: real[D]
param b: real[K, D]
z = sin(x[:, None, :] - c)
loss L = sum(exp(a + z) * c + exp(a * z) + cos(b + z) * z)
"""


@pytest.mark.parametrize(("rows", "K"), [(2, 4), (120, 4), (120, 60), (1000, 1)])
def test_sums_over_rows(rows: int, K: int) -> None:
    """Over the rows alone, and over their first axis too: one product with ones, of a view."""
    arguments = drawn(SUMS, {"N": 300, "D": 3, "K": K})
    value, grads = whole(SUMS).value_and_grad(*arguments)
    tiled_value, tiled_grads = in_tiles(program(SUMS), rows).value_and_grad(*arguments)
    np.testing.assert_allclose(tiled_value, value, rtol=1e-12)
    for tiled_grad, grad in zip(tiled_grads, grads):
        np.testing.assert_allclose(tiled_grad, grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["gathered", "elementwise", "softmax", "distances"])
def test_no_rows(name: str) -> None:
    text = MODELS[name]
    arguments = drawn(text, {"N": 0, "D": 3, "K": 4})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of means of nothing
        value, grads = whole(text).value_and_grad(*arguments)
    tiled_value, tiled_grads = in_tiles(program(text)).value_and_grad(*arguments)
    np.testing.assert_equal(tiled_value, value)
    for tiled_grad, grad in zip(tiled_grads, grads):
        np.testing.assert_allclose(tiled_grad, grad, rtol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_not_finite_comes_out_alike(value: float) -> None:
    x, y, a = drawn(ELEMENTWISE, {"N": 5})
    for place in (x, y, a):
        place[3] = value
        with np.errstate(all="ignore"):
            expected = whole(ELEMENTWISE).value_and_grad(x, y, a)
            found = in_tiles(program(ELEMENTWISE)).value_and_grad(x, y, a)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
        np.testing.assert_allclose(found[1].a, expected[1].a, rtol=1e-10)
        place[3] = 0.5


def test_a_value_warns_as_it_does_as_a_whole() -> None:
    text = "dim N\ninput x: real[N]\nparam w: real[N]\nz = exp(w * x)\nloss L = sum(tanh(z) * sin(z / (1 + z)))\n"
    x, w = np.full(4, 10.0), np.array([1.0, 2.0, 100.0, 3.0])
    with pytest.warns(RuntimeWarning, match="overflow"):
        in_tiles(program(text)).value_and_grad(x, w)


def test_single_precision_adds_up_in_double() -> None:
    text = "dim N, D\ninput x: real[N, D]\nparam w: real[D]\nz = tanh(x * w)\nloss L = sum(z / (1 + z**2))\n"
    module = in_tiles(program(text), 10, dtype="float32")
    x, w = np.full((100_000, 2), 0.3, np.float32), np.full(2, 0.7, np.float32)
    value, grads = module.value_and_grad(x, w)
    exact_value, exact = whole(text).value_and_grad(x.astype(float), w.astype(float))
    assert grads.w.dtype == np.float32
    np.testing.assert_allclose(value, exact_value, rtol=1e-6)
    np.testing.assert_allclose(grads.w, exact.w, rtol=1e-6)


def test_sums_of_ints_are_ints() -> None:
    text = """
dim N, D
input x: real[N, D]
param w: real[D + 9]
above = sum(x > 0.5, axis=0)
loss L = sum(w[above]**2) + sum(sin(x) * cos(x))
"""
    x, w = np.linspace(-1.0, 2.0, 14).reshape(7, 2), np.arange(11.0)
    value, grads = whole(text).value_and_grad(x, w)
    tiled_value, tiled_grads = in_tiles(program(text)).value_and_grad(x, w)
    np.testing.assert_allclose(tiled_value, value, rtol=1e-12)
    np.testing.assert_array_equal(tiled_grads.w, grads.w)


def test_prediction_and_functions_on_request() -> None:
    arguments = drawn(SOFTMAX, {"N": 5, "D": 3, "K": 4})
    vectors = [np.cos(np.arange(12.0)).reshape(3, 4), np.sin(np.arange(4.0))]
    plain = whole(SOFTMAX, emit=("hvp", "jvp"))
    module = in_tiles(program(SOFTMAX), emit=("hvp", "jvp"))
    x, _, W, b = arguments
    np.testing.assert_allclose(module.predict(x, W, b).p, plain.predict(x, W, b).p, rtol=1e-12)
    for name in ("hvp", "jvp"):
        found, expected = (getattr(m, name)(*arguments, *vectors) for m in (module, plain))
        for a, b in zip(found, expected):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_sizes_that_are_known_decide() -> None:
    """Few rows of a known number are not cut; many are."""
    text = module_text(program(LARGE_AND_FIXED), Options(level=2))
    assert "_tiles(" not in text
    many = LARGE_AND_FIXED.replace("5000", "500_000").replace("_", "")
    text = module_text(program(many), Options(level=2))
    assert "in _tiles(500000, " in text


def test_products_with_large_matrices_are_not_cut() -> None:
    text = """
dim N
input x: real[N, 784]
input y: int[N] in range(10)
param W1: real[784, 256]
param W2: real[256, 10]
loss L = mean(cross_entropy(relu(x @ W1) @ W2, y))
"""
    assert "_tiles(" not in module_text(program(text), Options(level=2))


@pytest.mark.parametrize(("columns", "cut"), [("9", True), ("D", False)])
def test_tiles_add_to_rows_of_small_tables_alone(columns: str, cut: bool) -> None:
    text = f"""
dim N, K, D
input k: int[N] in range(K)
input y: real[N]
input scale: real[D]
param table: real[K, {columns}]
rows = table[k]
z = sin(rows) * tanh(rows) + exp(-rows**2) * cos(rows) / (1 + rows**2)
loss L = sum((sum(z, axis=1) - y)**2) + sum(scale)
"""
    found = module_text(program(text), Options(level=2))
    tile = found.partition("def _on_tile(")[2].partition("\ndef ")[0]
    assert ("_add_rows(" in tile) is cut


def test_the_other_levels_have_no_tiles() -> None:
    for level in LEVELS:
        assert ("_tiles(" in module_text(program(ELEMENTWISE), Options(level=level))) == (level == 2)


def test_tiles_cover_all_rows_once() -> None:
    module = module_of(module_text(program(ELEMENTWISE), Options(level=2)), "model")
    for rows in (0, 1, 2, 1000, 52_428, 52_429, 10**6, 10**6 + 1):
        for width in (0, 1, 10, 10**4):
            covered = [tile.indices(rows) for tile in module._tiles(rows, width)]
            ends = [0, *(stop for _, stop, _ in covered)]
            assert [start for start, _, _ in covered] == ends[:-1]
            assert ends[-1] == rows
            assert len({stop - start for start, stop, _ in covered[:-1]}) < 2
            assert all(stop > start for start, stop, _ in covered)


@pytest.mark.parametrize("seed", range(400, 416))
def test_random_models(seed: int) -> None:
    model = whole_model(Random(seed), 3)
    case = case_of(model, seed, model.sizes)
    try:
        expected = results(case, Options(level=0))
        with np.errstate(all="ignore"):
            module = in_tiles(case.program)
            if module is None:
                return
            value, grads = module.value_and_grad(*case.given)
    except Unfit:
        return
    np.testing.assert_allclose(value, expected[0], rtol=1e-10, atol=1e-12)
    same(dict(zip(case.program.wrt, grads)), expected[1], 1e-9, "gradient in tiles")


def test_plans_grow_with_the_graph_alone() -> None:
    """A chain that is ten times as long has ten times as many ops, in one region; levels don't add up."""

    def lines(count: int) -> int:
        steps = "".join(f"h{k + 1} = tanh(h{k}) * w + mean(h{k})\n" for k in range(count))
        text = f"dim N\ninput x: real[N]\nparam w: real\nh0 = x\n{steps}loss L = sum(h{count})\n"
        with every_region():
            return len(module_text(program(text), Options(level=2)).splitlines())

    assert lines(40) - lines(20) <= 1.2 * (lines(20) - lines(1))


def test_no_tile_adds_to_sums_as_large_as_the_data() -> None:
    """The sum over M that w's gradient needs has B * H * N numbers, and each tile would add to all of them."""
    source = """
dim B, N, M, H
input q: real[B, H, N]
input k: real[B, H, M]
param w: real[H]
s = einsum("bhn,bhm,h->bnm", q, k, w)
loss L = sum(s**2)
"""
    assert "_tiles(" not in module_text(program(source), Options(level=2))


def test_tiles_are_of_one_size_where_the_rows_can_be_divided() -> None:
    """Else there would be memory for two sizes."""
    assert len({tile.stop - tile.start for tile in routines_tiles._tiles(1_000_000, 11)}) == 1
