"""Convolutions, pools and batch norm against JAX, by value and by gradient, in float64 and float32.

The grids are those that lax's and PyTorch's own tests cover: strides, padding, dilation, groups, odd sizes, one
example, one channel, rows that no window reaches.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.source import Source

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
jnp, lax = jax.numpy, jax.lax

SIDES = {1: "L", 2: "H, W"}


def compiled(model: str, **options: Any) -> Any:
    return module_of(module_text(program_of(Source("model.dsl", model)), Options(**options)), "model")


def pairs(values: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(v, v) for v in values]


def agrees(module: Any, arguments: list[Any], reference: Any, tolerance: float = 1e-12) -> None:
    """The output, and the adjoint of a random cotangent by every real argument."""
    outputs, cache = module.forward(*arguments)
    expected, pull = jax.vjp(reference, *map(jnp.asarray, arguments))
    assert outputs[0].shape == expected.shape
    assert outputs[0].dtype == arguments[0].dtype
    np.testing.assert_allclose(outputs[0], expected, rtol=tolerance, atol=tolerance)
    seed = np.random.default_rng(7).normal(size=expected.shape).astype(arguments[0].dtype)
    for found, wanted in zip(module.backward(cache, seed), pull(jnp.asarray(seed))):
        assert found.shape == wanted.shape
        assert found.dtype == arguments[0].dtype
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * 10)


# --- convolutions --------------------------------------------------------------------------------


def convolution(axes: int, stride: Any, padding: Any, dilation: Any, groups: int) -> str:
    sides = SIDES[axes]
    kernel = ", ".join(f"K{i}" for i in range(axes))
    options = f"stride={stride}, padding={padding}, dilation={dilation}, groups={groups}"
    return (
        f"dim N, G, O, {sides}, {kernel}\n"
        f"input x: real[N, {groups}*G, {sides}]\nparam w: real[{groups}*O, G, {kernel}]\n"
        f"param b: real[{groups}*O]\n"
        f"output y = conv{axes}d(x, w, b, {options})\ngrad y wrt x, w, b\n"
    )


def against_lax(axes: int, size: tuple[int, ...], kernel: tuple[int, ...], how: Any, **kinds: Any) -> None:
    stride, padding, dilation, groups, count, channels = how
    module = compiled(convolution(axes, stride, padding, dilation, groups), **kinds)
    rng = np.random.default_rng(0)
    dtype = np.dtype(kinds.get("dtype", "float64"))
    x = rng.normal(size=(count, groups * channels, *size)).astype(dtype)
    w = rng.normal(size=(groups * 3, channels, *kernel)).astype(dtype)
    b = rng.normal(size=groups * 3).astype(dtype)
    layout = ("NCHW", "OIHW", "NCHW") if axes == 2 else ("NCH", "OIH", "NCH")

    def reference(x: Any, w: Any, b: Any) -> Any:
        y = lax.conv_general_dilated(
            x, w, stride, pairs(padding), rhs_dilation=dilation, dimension_numbers=layout,
            feature_group_count=groups,
        )  # fmt: skip
        return y + b.reshape(-1, *(1,) * axes)

    agrees(module, [x, w, b], reference, 1e-12 if dtype == np.float64 else 2e-5)


GRID = list(product((1, 2, 3), (0, 1, 2), (1, 2)))


@pytest.mark.parametrize(("stride", "padding", "dilation"), GRID)
@pytest.mark.parametrize(("count", "channels"), [(1, 1), (2, 3)])
def test_conv2d(stride: int, padding: int, dilation: int, count: int, channels: int) -> None:
    how = ((stride,) * 2, (padding,) * 2, (dilation,) * 2, 1, count, channels)
    against_lax(2, (7, 10), (3, 2), how)


@pytest.mark.parametrize(
    "how",
    [
        ((2, 1), (0, 2), (1, 2), 1, 2, 2),
        ((1, 3), (1, 0), (3, 1), 1, 1, 2),
        ((1, 1), (1, 1), (1, 1), 2, 2, 2),
        ((2, 2), (1, 1), (1, 1), 4, 2, 1),
    ],
)
@pytest.mark.parametrize("kinds", [{}, {"level": 0}, {"level": 2}, {"dtype": "float32"}], ids=str)
def test_conv2d_by_axis_and_group(how: Any, kinds: dict[str, Any]) -> None:
    against_lax(2, (9, 8), (2, 3), how, **kinds)


@pytest.mark.parametrize("kernel", [(1, 1), (5, 6), (1, 6)])
@pytest.mark.parametrize("stride", [1, 2])
def test_kernels_of_one_element_and_of_the_whole_image(kernel: tuple[int, int], stride: int) -> None:
    against_lax(2, (5, 6), kernel, ((stride,) * 2, (0, 0), (1, 1), 1, 2, 3))


@pytest.mark.parametrize(("stride", "padding", "dilation"), GRID)
@pytest.mark.parametrize("groups", [1, 2])
def test_conv1d(stride: int, padding: int, dilation: int, groups: int) -> None:
    against_lax(1, (11,), (3,), ((stride,), (padding,), (dilation,), groups, 2, 2))


# Shapes of x and w and the options by which PyTorch tests its conv2d.
OPINFO: list[tuple[tuple[int, ...], tuple[int, ...], str]] = [
    ((1, 3, 4, 4), (3, 3, 3, 3), "stride=(2, 2), padding=2"),
    ((2, 4, 8, 8), (2, 2, 3, 3), "stride=(3, 2), padding=(2, 1), groups=2, dilation=(4, 4)"),
    ((1, 4, 5, 5), (1, 4, 2, 3), "stride=2, padding=1, dilation=(2, 3)"),
    ((1, 2, 4, 3), (4, 2, 3, 4), "stride=2, padding=1"),
    ((1, 4, 5, 5), (1, 4, 2, 3), 'stride=2, padding="valid"'),
    ((1, 4, 5, 5), (1, 4, 2, 3), 'padding="same", dilation=3'),
    ((2, 4, 6, 6), (4, 1, 3, 3), "groups=4"),
    ((2, 4, 6, 6), (8, 1, 3, 3), "groups=4"),
    ((2, 4, 5, 5), (3, 4, 4, 2), 'padding="same"'),
]


@pytest.mark.parametrize(("size", "weights", "options"), OPINFO)
@pytest.mark.parametrize("symbolic", [True, False], ids=["dims", "numbers"])
def test_conv2d_as_pytorch_tests_it(size: Any, weights: Any, options: str, symbolic: bool) -> None:
    given = eval(f"dict({options})")
    groups = given.get("groups", 1)
    names = ("N, {}*G, H, W", "O, G, J, K") if symbolic else (", ".join(map(str, s)) for s in (size, weights))
    left, right = names
    dims = "dim N, G, H, W, O, J, K\n" if symbolic else ""
    if symbolic:
        left, right = left.format(groups), right.replace("O", f"{groups}*O", 1)
    module = compiled(
        f"{dims}input x: real[{left}]\nparam w: real[{right}]\n"
        f"output y = conv2d(x, w, {options})\ngrad y wrt x, w\n"
    )
    both = {
        name: (v, v) if isinstance(v := given.get(name, 1), int) else v for name in ("stride", "dilation")
    }
    rim = given.get("padding", 0)
    rims = rim.upper() if isinstance(rim, str) else pairs((rim, rim) if isinstance(rim, int) else rim)
    rng = np.random.default_rng(6)

    def reference(x: Any, w: Any) -> Any:
        return lax.conv_general_dilated(
            x, w, both["stride"], rims, rhs_dilation=both["dilation"],
            dimension_numbers=("NCHW", "OIHW", "NCHW"), feature_group_count=groups,
        )  # fmt: skip

    agrees(module, [rng.normal(size=size), rng.normal(size=weights)], reference)


# --- pools ---------------------------------------------------------------------------------------


def pool(name: str, axes: int, options: str) -> str:
    return (
        f"dim N, C, {SIDES[axes]}\ninput x: real[N, C, {SIDES[axes]}]\n"
        f"output y = {name}{axes}d(x, {options})\ngrad y wrt x\n"
    )


POOLS = [
    ((2, 2), (2, 2), (0, 0)),
    ((3, 3), (1, 1), (1, 1)),
    ((3, 2), (2, 3), (1, 0)),
    ((2, 3), (3, 1), (0, 1)),
]


@pytest.mark.parametrize(("kernel", "stride", "padding"), POOLS)
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("values", [None, 3], ids=["distinct", "ties"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_max_pool2d(
    kernel: Any, stride: Any, padding: Any, dilation: int, values: int | None, dtype: str
) -> None:
    options = f"{kernel}, stride={stride}, padding={padding}, dilation={dilation}"
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 3, 7, 8)) if values is None else rng.integers(0, values, (2, 3, 7, 8))

    def reference(x: Any) -> Any:
        """The windows as an axis, and the first largest element of each."""
        wide = jnp.pad(x, ((0, 0), (0, 0), *pairs(padding)), constant_values=-jnp.inf)
        places = [(n - dilation * (k - 1) - 1) // s + 1 for n, k, s in zip(wide.shape[2:], kernel, stride)]
        parts = [
            wide[:, :, i : i + (places[0] - 1) * stride[0] + 1 : stride[0],
                 j : j + (places[1] - 1) * stride[1] + 1 : stride[1]]
            for i, j in product(*(range(0, dilation * k, dilation) for k in kernel))
        ]  # fmt: skip
        windows = jnp.stack(parts)
        return jnp.take_along_axis(windows, windows.argmax(0)[None], 0)[0]

    agrees(compiled(pool("max_pool", 2, options), dtype=dtype), [x.astype(dtype)], reference)


@pytest.mark.parametrize(("kernel", "stride", "padding"), POOLS)
@pytest.mark.parametrize("whole", [True, False], ids=["rim counts", "rim left out"])
def test_avg_pool2d(kernel: Any, stride: Any, padding: Any, whole: bool) -> None:
    options = f"{kernel}, stride={stride}, padding={padding}, count_include_pad={str(whole).lower()}"

    def total(x: Any) -> Any:
        return lax.reduce_window(
            x, 0.0, lax.add, (1, 1, *kernel), (1, 1, *stride), ((0, 0), (0, 0), *pairs(padding))
        )

    def reference(x: Any) -> Any:
        return total(x) / (kernel[0] * kernel[1] if whole else total(jnp.ones_like(x)))

    x = np.random.default_rng(2).normal(size=(2, 3, 7, 8))
    agrees(compiled(pool("avg_pool", 2, options)), [x], reference)


@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 1, 1), (3, 2, 1), (4, 3, 2)])
def test_pools_of_one_axis(name: str, kernel: int, stride: int, padding: int) -> None:
    start, combine = (-jnp.inf, lax.max) if name == "max_pool" else (0.0, lax.add)

    def reference(x: Any) -> Any:
        y = lax.reduce_window(
            x, start, combine, (1, 1, kernel), (1, 1, stride), ((0, 0), (0, 0), (padding, padding))
        )
        return y if name == "max_pool" else y / kernel

    x = np.random.default_rng(3).normal(size=(2, 3, 11))
    agrees(compiled(pool(name, 1, f"{kernel}, stride={stride}, padding={padding}")), [x], reference)


# --- batch norm ----------------------------------------------------------------------------------

SHAPES = [(5, 5, 5), (3, 2, 4), (3, 1), (3, 2, 3, 4), (2, 1)]  # as PyTorch tests it


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("given", [True, False], ids=["given", "own"])
@pytest.mark.parametrize("eps", [1e-5, 0.6])
def test_batch_norm(shape: tuple[int, ...], given: bool, eps: float) -> None:
    dims = ", ".join(map(str, shape))
    statistics = "mean=m, var=v, " if given else ""
    module = compiled(
        f"input x: real[{dims}]\nparam gamma, beta, m, v: real[{shape[1]}]\n"
        f"output y = batch_norm(x, gamma, beta, {statistics}eps={eps}) + 0 * sum(m * v)\n"
        "grad y wrt x, gamma, beta, m, v\n"
    )
    wide = (-1, *(1,) * (len(shape) - 2))
    others = tuple(a for a in range(len(shape)) if a != 1)

    def reference(x: Any, gamma: Any, beta: Any, m: Any, v: Any) -> Any:
        mean, var = (m, v) if given else (x.mean(others), x.var(others))
        unit = (x - mean.reshape(wide)) / jnp.sqrt(var.reshape(wide) + eps)
        return unit * gamma.reshape(wide) + beta.reshape(wide) + 0 * (m * v).sum()

    rng = np.random.default_rng(8)
    vectors = [rng.uniform(0.5, 1.5, shape[1]) for _ in range(4)]
    agrees(module, [rng.normal(size=shape), *vectors], reference, 1e-9)


# --- a network -----------------------------------------------------------------------------------

NETWORK = """
dim N
input x: real[N, 2, 9, 8]
input y: int[N] in range(4)
param w1: real[5, 2, 3, 3]
param b1: real[5]
param gamma, beta: real[5]
param w2: real[6, 5, 2, 2]
param w3: real[24, 4]
h = batch_norm(conv2d(x, w1, b1, padding=1), gamma, beta)
h2 = max_pool2d(relu(h), 2)
h3 = tanh(conv2d(h2, w2, stride=(2, 1), dilation=(1, 2)))
loss L = mean(cross_entropy(reshape(h3, N, 24) @ w3, y))
"""


def network(x: Any, y: Any, w1: Any, b1: Any, gamma: Any, beta: Any, w2: Any, w3: Any) -> Any:
    layout = ("NCHW", "OIHW", "NCHW")
    z = lax.conv_general_dilated(x, w1, (1, 1), [(1, 1), (1, 1)], dimension_numbers=layout)
    z = z + b1[:, None, None]
    centred = z - z.mean((0, 2, 3), keepdims=True)
    h = centred / jnp.sqrt((centred**2).mean((0, 2, 3), keepdims=True) + 1e-5)
    h = jnp.maximum(h * gamma[:, None, None] + beta[:, None, None], 0.0)
    h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    h = lax.conv_general_dilated(h, w2, (2, 1), "VALID", rhs_dilation=(1, 2), dimension_numbers=layout)
    logits = jnp.tanh(h).reshape(len(x), -1) @ w3
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_network_of_all_of_them(level: int) -> None:
    module = compiled(NETWORK, level=level)
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(3, 2, 9, 8)), rng.integers(0, 4, 3)
    params = [p + 0.1 * rng.normal(size=p.shape) for p in module.init_params(0)]
    value, grads = module.value_and_grad(x, y, *params)
    expected, slopes = jax.value_and_grad(network, argnums=tuple(range(2, 8)))(x, y, *params)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    for found, wanted in zip(grads, slopes):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-13)
