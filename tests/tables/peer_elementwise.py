"""Elementwise operations and reductions, over the shapes, domains and axes of the peers' own tables.

unary("lax", {"exp(x)": (-1, 1)}, LAX_UNARY)         # a row for each text and shape
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations_with_replacement, product
from math import prod

import numpy as np
from peers import Row, Shape, draw, row

Limits = tuple[float, float]

LAX_UNARY: list[Shape] = [(3,), (), (3, 1), (2, 1, 4)]
LAX_PAIRS: list[tuple[Shape, Shape]] = [
    pair
    for group in ([(3,)], [(), (3, 4), (3, 1), (1, 4)], [(2, 3, 4), (2, 1, 4)])
    for pair in combinations_with_replacement(group, 2)
]
AUTOGRAD_SHAPES: list[Shape] = [(), (2,), (3, 2), (1, 2)]
AUTOGRAD_PAIRS = list(product(AUTOGRAD_SHAPES, AUTOGRAD_SHAPES))
OPINFO_UNARY: list[Shape] = [(20,), (), (1, 0, 3)]
OPINFO_PAIRS: list[tuple[Shape, Shape]] = [
    ((5,), (5,)), ((5, 5), ()), ((), ()), ((5, 5), (5,)), ((5, 1, 5), (2, 5)), ((5,), (2, 5, 5)),
    ((0, 1, 3), (0, 2, 3)), ((0,), ()), ((1,), (0,)), ((4, 1), (4, 0)), ((2, 1, 2), (1, 2, 1)),
]  # fmt: skip

LAX_FUNCTIONS: dict[str, Limits] = {
    "-x": (-2, 2), "floor(x)": (0.1, 0.4), "ceil(x)": (0.1, 0.4), "round(x)": (0.1, 0.4), "exp(x)": (-1, 1),
    "2**x": (-1, 1), "expm1(x)": (-2, 2), "log(x)": (0.1, 3), "log1p(x)": (0.1, 3), "sinh(x)": (-2, 2),
    "cosh(x)": (-2, 2), "tanh(x)": (-2, 2), "sin(x)": (-3, 3), "cos(x)": (-3, 3), "tan(x)": (-1.3, 1.3),
    "arcsin(x)": (-0.95, 0.95), "arccos(x)": (-0.95, 0.95), "arctan(x)": (-3, 3), "arcsinh(x)": (-3, 3),
    "arccosh(x)": (1.1, 4), "arctanh(x)": (-0.95, 0.95), "erf(x)": (-1, 1), "erfc(x)": (-1, 1),
    "lgamma(x)": (0.2, 6), "digamma(x)": (0.2, 6), "abs(x)": (0.1, 3), "sqrt(x)": (0.1, 3), "1 / sqrt(x)": (0.1, 3),
    "cbrt(x)": (0.3, 3), "cbrt(-x)": (0.3, 3), "sigmoid(x)": (-3, 3), "square(x)": (-2, 2), "x**3": (-2, 2), "x**-2": (0.5, 2),
    "reciprocal(x)": (0.3, 2),
}  # fmt: skip
LAX_OPERATORS: dict[str, tuple[Limits, Limits]] = {
    "x + y": ((-2, 2), (-2, 2)), "x - y": ((-2, 2), (-2, 2)), "x * y": ((-2, 2), (-2, 2)), "x / y": ((-3, 3), (0.6, 3)),
    "x**y": ((0.2, 3), (0.2, 3)), "maximum(x, y)": ((-2, 2), (-2, 2)), "minimum(x, y)": ((-2, 2), (-2, 2)),
    "arctan2(x, y)": ((0.3, 2), (-2, 2)),
}  # fmt: skip
AUTOGRAD_FUNCTIONS: dict[str, Limits] = {
    "sin(x)": (-2, 2), "abs(x)": (0.1, 4), "arccosh(x)": (1.1, 4), "arcsinh(x)": (-0.9, 0.9), "arctanh(x)": (-0.9, 0.9),
    "ceil(x)": (-1.5, 1.5), "floor(x)": (-1.5, 1.5), "cos(x)": (-2, 2), "cosh(x)": (-2, 2), "x * (pi / 180)": (-2, 2),
    "exp(x)": (-2, 2), "2**x": (-2, 2), "expm1(x)": (-2, 2), "log(x)": (0.2, 2), "log10(x)": (0.2, 2), "log1p(x)": (0.2, 2),
    "log2(x)": (0.2, 2), "sign(x)": (-2, 2), "sinh(x)": (-2, 2), "sqrt(x)": (1, 3), "square(x)": (-2, 2), "tan(x)": (-1.1, 1.1),
    "tanh(x)": (-2, 2), "digamma(x)": (0.3, 2), "exp(lgamma(x))": (0.3, 2), "lgamma(x)": (0.3, 2), "1 / exp(lgamma(x))": (0.3, 2),
    "erf(x)": (-3, 3), "erfc(x)": (-3, 3), "logit(x)": (0.1, 0.9), "sigmoid(x)": (-4.05, 4.95),
    "x * sin(x + square(x))": (-2, 2), "sin(sin(x) + sin(x))": (-2, 2), "clip(x, 0.1, 1.1)": (-2, 2),
}  # fmt: skip
AUTOGRAD_OPERATORS: dict[str, tuple[Limits, Limits]] = {
    "x + y": ((-2, 2), (-2, 2)), "logaddexp(x, y)": ((-2, 2), (-2, 2)), "x % y": ((-0.9, 0.9), (0.7, 1.9)),
    "x / y": ((-2, 2), (0.3, 2)), "y / x": ((-2, -0.3), (-2, 2)), "(x + 2) % (-y)": ((-2, 2), (0.3, 2)),
    "x * y": ((-2, 2), (-2, 2)), "x - y": ((-2, 2), (-2, 2)), "x**y": ((0.7, 2), (-2, 2)), "hypot(x, y)": ((-2, 2), (0.5, 2)),
    "lbeta(x, y)": ((1.1, 5), (1.1, 5)), "where(x > y, x * y, y)": ((-2, 2), (-2, 2)),
}  # fmt: skip
OPINFO_FUNCTIONS: dict[str, Limits] = {
    "log_sigmoid(x)": (-4, 4), "softplus(x)": (-4, 4), "relu(x)": (-2, 2), "leaky_relu(x)": (-2, 2), "leaky_relu(x, 0.5)": (-2, 2),
    "elu(x)": (-2, 2), "elu(x, alpha=2.7)": (-2, 2), "selu(x)": (-2, 2), "gelu(x)": (-3, 3), "silu(x)": (-3, 3), "hardtanh(x)": (-2, 2),
    "hardtanh(x, -0.5, 0.5)": (-2, 2), "relu6(x)": (-2, 9), "tanh(x)": (-3, 3), "polygamma(0, x)": (1, 4), "polygamma(1, x)": (1, 4),
    "polygamma(2, x)": (1, 4), "polygamma(4, x)": (1, 4), "trigamma(x)": (0.3, 4), "ndtr(x)": (-3, 3), "erfcx(x)": (-2, 4), "log(ndtr(x))": (-4, 4),
    "-xlogy(x, x)": (0.1, 2), "logit(x)": (0.05, 0.95), "logit(clip(x, 0.2, 0.8))": (0.05, 0.95), "x**2.5": (0.3, 2),
    "x * relu6(x + 3) / 6": (-2.5, 2.5), "clip(x + 3, 0, 6) / 6": (-4, 4), "x / (1 + abs(x))": (-2, 2), "x * tanh(softplus(x))": (-2, 2),
    "x - tanh(x)": (-2, 2), "where(x > 0.5, x, 0)": (-2, 2), "sign(x) * relu(abs(x) - 0.5)": (-2, 2), "log2(x)": (0.2, 4),
    "arcsinh(x)": (-4, 4), "arctanh(x)": (-0.9, 0.9), "x - floor(x)": (-2, 2), "sign(x) * floor(abs(x))": (-2, 2), "sin(pi * x) / (pi * x)": (0.2, 2),
    "exp(-x**2)": (-2, 2), "log1mexp(x)": (0.1, 3),
}  # fmt: skip
OPINFO_OPERATORS: dict[str, tuple[Limits, Limits]] = {
    "x + 0.3 * y": ((-2, 2), (-2, 2)), "x / y": ((-2, 2), (-2, -0.5)), "xlogy(x, y)": ((-2, 2), (0.2, 3)), "xlog1py(x, y)": ((-2, 2), (-0.8, 3)),
    "logaddexp(x, y)": ((-3, 3), (-3, 3)), "hypot(x, y)": ((-2, 2), (0.4, 2)), "x**y": ((0.2, 5), (0.1, 1)), "x**round(y)": ((-3, -0.5), (-2, 2)),
    "prelu(x, y)": ((-2, 2), (0.1, 0.6)), "x + 0.7 * (y - x)": ((-2, 2), (-2, 2)), "clip(x, y, y + 1)": ((-2, 2), (-1, 1)),
    "maximum(x, y) - minimum(x, y)": ((-2, 2), (-2, 2)), "x - y * floor(x / y)": ((3, 3.5), (2, 2.9)), "rel_entr(x, y)": ((0.1, 1), (0.1, 1)),
    "binary_cross_entropy(x, y)": ((0.1, 0.9), (0.1, 0.9)), "binary_cross_entropy_with_logits(x, y)": ((-3, 3), (0.1, 0.9)),
    "huber(x, y)": ((-2, 2), (-2, 2)), "huber(x, y, delta=0.5)": ((-2, 2), (-2, 2)), "hinge(x, y)": ((-2, 2), (0.5, 1)), "arctan2(x, y)": ((0.3, 2), (-2, 2)),
}  # fmt: skip


def unary(peer: str, functions: Mapping[str, Limits], shapes: Iterable[Shape]) -> list[Row]:
    return [row(peer, text, x=draw(shape, *limits)) for text, limits in functions.items() for shape in shapes]


def binary(
    peer: str, functions: Mapping[str, tuple[Limits, Limits]], pairs: Iterable[tuple[Shape, Shape]]
) -> list[Row]:
    pairs = list(pairs)
    return [
        row(peer, text, x=draw(a, *limits[0]), y=draw(b, *limits[1]))
        for text, limits in functions.items()
        for a, b in pairs
    ]


# --- reductions ----------------------------------------------------------------------------------------

STATISTICS = ("sum", "mean", "prod", "max", "min", "var", "std")
AUTOGRAD_REDUCED: list[tuple[Shape, str]] = [
    ((), ""),
    *(((3,), f", axis={a}, keepdims={k}") for a in ("None", "0", "-1") for k in ("true", "false")),
    *((s, f", axis={a}, keepdims={k}") for s in ((2, 3), (1, 3)) for a in ("None", "0", "1") for k in ("true", "false")),
    ((3, 4, 5), ", axis=1"), ((3, 4, 5), ", axis=1, keepdims=true"), ((4, 3, 2), ", axis=(1, 2)"), ((4, 3, 2), ", axis=(0, -1)"),
]  # fmt: skip
LAX_REDUCED: list[tuple[Shape, str]] = [
    ((3, 4, 5), ", axis=0"), ((3, 4, 5), ", axis=(1, 2)"), ((3, 4, 5), ", axis=(0, 2)"), ((3, 4, 5), ", axis=(0, 1, 2)"), ((3, 1), ", axis=1"),
]  # fmt: skip
OPINFO_REDUCED: list[tuple[Shape, str]] = [
    ((), ""), ((2,), ""), ((2,), ", axis=0, keepdims=true"), ((2,), ", axis=-1"),
    ((3, 5), ""), ((3, 5), ", axis=0, keepdims=true"), ((3, 5), ", axis=-1"), ((3, 5), ", axis=(0, 1)"), ((3, 5), ", axis=(0, -1), keepdims=true"),
    ((3, 2, 1, 2), ""), ((3, 2, 1, 2), ", axis=2, keepdims=true"), ((3, 2, 1, 2), ", axis=(0, 1, 2, 3)"),
    ((3, 2, 1, 2), ", axis=(0, -1), keepdims=true"), ((3, 2, 1, 2), ", axis=(1, 3)"),
]  # fmt: skip
EMPTY_REDUCED: list[tuple[Shape, str]] = [
    ((0,), ""), ((3, 0), ", axis=1"), ((3, 0), ", axis=1, keepdims=true"), ((3, 0, 5), ", axis=1"), ((0, 2), ", axis=-1"),
]  # fmt: skip
OF_EMPTY_AXIS = ((0, 2), ", axis=-1")  # what is reduced has elements, what is kept has none


def reductions(
    peer: str, names: Iterable[str], cases: Iterable[tuple[Shape, str]], inner: str = "x", more: str = ""
) -> list[Row]:
    cases = list(cases)
    return [
        row(peer, f"{name}({inner}{options}{more})", x=shape) for name in names for shape, options in cases
    ]


def with_axis(cases: Iterable[tuple[Shape, str]]) -> list[tuple[Shape, str]]:
    """The cases with at least one axis: a single number has no spread, and no place of a largest element."""
    return [(shape, options) for shape, options in cases if shape]


POSITIONS = [
    ((4,), ""),
    ((3, 5), ", axis=0"),
    ((3, 5), ", axis=-1"),
    ((3, 2, 4), ", axis=1, keepdims=true"),
    ((3, 5), ""),
]
SCANNED: list[tuple[Shape, str]] = [
    ((10,), ""), ((10,), ", axis=-1"), ((3, 4, 5), ", axis=0"), ((3, 4, 5), ", axis=1"), ((3, 4, 5), ", axis=-1"), ((1,), ", axis=0"),
    ((0,), ", axis=0"), ((3, 0), ", axis=1"),
]  # fmt: skip

# --- ints and bools among reals ------------------------------------------------------------------------

MIXED = (
    "n + x", "n - x", "n * x", "n / x", "x / n", "x**n", "maximum(n, x)", "where(b, n, x)", "b * x", "x + b", "x + n * b", "n // 2 * x", "x + n % 2",
    "exp(n) * x", "sqrt(n) * x", "x * sin(n)", "x - mean(n)", "x * sum(b)", "x + prod(n)", "cumsum(n) * x", "x * max(n)", "clip(x, -n, n)", "hypot(n, x)",
    "logaddexp(n, x)", "arctan2(x, n)", "x * (n > 1)", "x * (b or n > 2)", "x * (1 if b else n)", "square(n) * x", "abs(-n) * x", "sign(n) * x", "xlogy(n, abs(x))",
)  # fmt: skip
MIXED_NUMPY = {"x * (b or n > 2)": "x * (b | (n > 2))", "x * (1 if b else n)": "x * where(b, 1, n)"}
MIXED_SHAPES: list[tuple[Shape, Shape]] = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((), (3,)),
    ((3,), ()),
    ((2, 1), (1, 3)),
    ((), ()),
]


def mixed() -> list[Row]:
    ints = {shape: np.arange(1, 1 + prod(shape)).reshape(shape) for _, shape in MIXED_SHAPES}
    return [
        row(
            "opinfo",
            text,
            MIXED_NUMPY.get(text),
            x=draw(shape, 0.3, 2),
            n=ints[whole],
            b=ints[whole] % 2 == 1,
        )
        for text in MIXED
        for shape, whole in MIXED_SHAPES
    ]


GROUPS: dict[str, list[Row]] = {
    "lax unary": unary("lax", LAX_FUNCTIONS, LAX_UNARY),
    "lax binary": binary("lax", LAX_OPERATORS, LAX_PAIRS),
    "autograd unary": unary("autograd", AUTOGRAD_FUNCTIONS, [(), (3, 2), (1, 2)]),
    "autograd binary": binary("autograd", AUTOGRAD_OPERATORS, AUTOGRAD_PAIRS),
    "opinfo unary": unary("opinfo", OPINFO_FUNCTIONS, OPINFO_UNARY),
    "opinfo binary": binary("opinfo", OPINFO_OPERATORS, OPINFO_PAIRS),
    "autograd reductions": [
        *reductions("autograd", STATISTICS, with_axis(AUTOGRAD_REDUCED)),
        *reductions("autograd", ("sum", "mean", "prod", "max", "min"), [((), "")]),
        *reductions("autograd", ("var", "std"), [((3,), ""), ((3, 4), ""), ((3, 4), ", axis=1"), ((3, 4), ", axis=1, keepdims=true")], more=", ddof=1"),
        *reductions("autograd", ("var", "std"), [((3, 4), ""), ((3, 4), ", axis=1")], more=", ddof=2"),
        *reductions("autograd", ("logsumexp",), AUTOGRAD_REDUCED),
        *reductions("autograd", ("all", "any"), with_axis(AUTOGRAD_REDUCED), inner="x > 0"),
    ],
    "ints and bools": mixed(),
    "lax reductions": [
        *reductions("lax", ("sum", "prod", "max", "min"), LAX_REDUCED),
        *reductions("lax", ("sum", "prod", "any", "all"), EMPTY_REDUCED, inner="x * 1.0"),
        *reductions("lax", ("max", "min", "mean", "var", "std", "norm"), [OF_EMPTY_AXIS]),
        *reductions("lax", ("cumsum", "cumprod"), SCANNED),
        *(row("autograd", f"{name}(x)", x=(4, 3), fixed=True) for name in ("cumsum", "cumprod")),
        *(row("lax", f"flip({name}(flip(x, {axis}), axis={axis}), {axis})", x=(3, 4, 5)) for name in ("cumsum", "cumprod") for axis in (0, 1, 2)),
    ],
    "opinfo reductions": [
        *reductions("opinfo", ("sum", "mean", "prod", "max", "min", "logsumexp", "norm"), OPINFO_REDUCED),
        *reductions("opinfo", ("var", "std"), with_axis(OPINFO_REDUCED)),
        *reductions("opinfo", ("norm",), OPINFO_REDUCED, more=", ord=1"),
        *reductions("opinfo", ("argmax", "argmin"), POSITIONS),
        *reductions("opinfo", ("sum",), OPINFO_REDUCED, inner="x != 0"),
        *(row("opinfo", f"logsumexp(x{options})", x=draw(shape, 1e3, 2e3), second=False) for shape, options in OPINFO_REDUCED),
        *(row("opinfo", f"{name}(x, axis={axis})", x=shape) for name in ("softmax", "log_softmax")
          for shape, axis in [((5,), 0), ((5, 4), 0), ((5, 4), 1), ((5, 4), -1), ((3, 2, 3), 2), ((3, 2, 3), 1), ((3, 0, 0), -1), ((4, 1), 1)]),
    ],
}  # fmt: skip
