"""Models that are built to have an illness, with data and what has to be found; and healthy ones.

Each entry of ILL says what kinds of findings there must be, and at which name or text of the model; nothing else
may be found but what its `also` allows: one illness often brings another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

GENERATOR = np.random.default_rng(20)
X, Y = GENERATOR.normal(size=(100, 10)), GENERATOR.normal(size=100)
XS, YS = GENERATOR.normal(size=(25, 8, 5)), GENERATOR.normal(size=8)
LONG = GENERATOR.normal(size=(60, 8, 5))
ROWS = GENERATOR.normal(size=(16, 12, 32))

LAYER = """\
dim N, D, H
input x: real[N, D]
input y: real[N]
param W: real[D, H] = {weights}
param b: real[H] = {bias}
param v: real[H] = {last}
z = x @ W + b
h = {act}(z)
loss L = mse({out}, y)
"""
RECURRENT = """\
dim T, B, D, H
input x: real[T, B, D]
input y: real[B]
param W: real[D, H] = normal(0, 0.2)
param U: real[H, H] = {weights}
param v: real[H] = normal(0, 0.3)
h = zeros(B, H)
for t in range(T):
    h = {act}(x[t] @ W + h @ U)
loss L = mse(h @ v, y)
"""
ROWS_OF_ROWS = """\
dim T, B, D, H
input x: real[T, B, D]
input y: real[B]
param W: real[D, H] = normal(0, 0.2)
param U: real[H, H] = orthogonal()
param v: real[H] = normal(0, 0.3)
var h: real[T, B, H]
h[0] = tanh(x[0] @ W)
for t in range(1, T):
    h[t] = tanh(x[t] @ W + {scale}(h[t-1] @ U))
loss L = mse(h[T-1] @ v, y)
"""
GATED = """\
dim T, B, D, H
input x: real[T, B, D]
input y: real[B]
param W: real[D, 3*H] = xavier()
param U: real[H, 3*H] = xavier()
param v: real[H] = normal(0, 0.3)
h, c = zeros(B, H), zeros(B, H)
for t in range(T):
    z = x[t] @ W + h @ U
    f = sigmoid(z[:, :H] + {bias})
    c = f * c + (1 - f) * tanh(z[:, H:2*H])
    h = sigmoid(z[:, 2*H:]) * tanh(c)
loss L = mse(h @ v, y)
"""
ATTENTION = """\
dim N, T, D
input x: real[N, T, D]
input y: real[N, T]
param Q: real[D, D] = {weights}
param K: real[D, D] = {weights}
param V: real[D, D] = xavier()
param v: real[D] = normal(0, 0.2)
scores = einsum("ntd,nsd->nts", x @ Q, x @ K){scale}
a = softmax(scores)
loss L = mse((a @ (x @ V)) @ v, y)
"""


def layer(**parts: str) -> str:
    """A perceptron of one hidden layer, healthy but for what is given."""
    healthy = {
        "weights": "xavier()",
        "bias": "zeros()",
        "last": "normal(0, 0.3)",
        "act": "tanh",
        "out": "h @ v",
    }
    return LAYER.format(**{**healthy, **parts})


def deep(act: str, weights: str, layers: int = 8, step: str = "{act}(h{before} @ W{k})") -> str:
    """A perceptron of many layers."""
    lines = ["dim N, D, H", "input x: real[N, D]", "input y: real[N]", f"param W1: real[D, H] = {weights}"]
    lines += [f"param W{k}: real[H, H] = {weights}" for k in range(2, layers + 1)]
    lines += ["param v: real[H] = normal(0, 0.2)", f"h1 = {act}(x @ W1)"]
    lines += [f"h{k} = " + step.format(act=act, before=k - 1, k=k) for k in range(2, layers + 1)]
    return "\n".join([*lines, f"loss L = mse(h{layers} @ v, y)", ""])


@dataclass(frozen=True)
class Case:
    """A model, data, sizes; what is found: (kind, where); what else may be found."""

    name: str
    text: str
    data: Mapping[str, object]
    found: tuple[tuple[str, str], ...] = ()
    also: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=lambda: {"H": 16})


XY: dict[str, object] = {"x": X, "y": Y}
SEQUENCES: dict[str, object] = {"x": XS, "y": YS}
OFF_IN_PART = np.where(np.arange(16) < 6, -9.0, 0.0)
STRETCHED = X * np.where(np.arange(10) == 3, 1000.0, 1.0) / 300.0
LOOPED_RELU = RECURRENT.format(weights="zeros()", act="relu").replace("h @ U)", "h @ U - 9)")
SHIFTED = layer().replace("h = tanh(z)", "h = tanh((z - mean(z, axis=0)) / std(z, axis=0))")

UNUSED = layer().replace("param v", "param u: real[H]\nparam v")

ILL = [
    Case("all units dead", layer(act="relu", bias="full(-9.0)"), XY, (("dead units", "h"),), ("no gradient",)),
    Case("some units dead", layer(act="relu"), {**XY, "b": OFF_IN_PART}, (("dead units", "h"),)),
    Case("dead by a maximum", layer(act="relu", out="maximum(h @ v - 99, 0)"), XY,
         (("dead units", "maximum(h @ v - 99, 0)"),), ("no gradient",)),
    Case("dead by a choice", layer(out="where(h < -1.5, h, 0) @ v"), XY, (("dead units", "where(h < -1.5, h, 0)"),),
         ("no gradient",)),
    Case("dead in a loop", LOOPED_RELU, SEQUENCES, (("dead units", "h"),), ("no gradient", "vanishing through time")),
    Case("saturated tanh", layer(weights="normal(0, 20)"), XY, (("saturated", "h"),)),
    Case("saturated sigmoid", layer(weights="normal(0, 20)", act="sigmoid"), XY, (("saturated", "h"),)),
    Case("saturated hardtanh", layer(weights="normal(0, 20)", act="hardtanh"), XY, (("saturated", "h"),)),
    Case("saturated by a bias", layer(bias="full(8)", act="sigmoid"), XY, (("saturated", "h"),)),
    Case("sharp attention", ATTENTION.format(weights="normal(0, 1)", scale=""), {"x": ROWS, "y": ROWS[..., 0]},
         (("saturated", "a"),), (), {}),
    Case("gradient vanishes in sigmoids", deep("sigmoid", "xavier()"), XY, (("vanishing gradient", "x @ W1"),)),
    Case("gradient vanishes in small weights", deep("relu", "normal(0, 0.05)"), XY,
         (("vanishing gradient", "x @ W1"),)),
    Case("gradient explodes", deep("relu", "normal(0, 1.5)"), XY, (("exploding gradient", "x @ W1"),)),
    Case("gradient explodes, linear", deep("", "normal(0, 1)", 12), XY, (("exploding gradient", "h1"),)),
    Case("vanishes through time", RECURRENT.format(weights="normal(0, 0.02)", act="tanh"), SEQUENCES,
         (("vanishing through time", "h"),)),
    Case("vanishes in sigmoids", RECURRENT.format(weights="orthogonal()", act="sigmoid"), SEQUENCES,
         (("vanishing through time", "h"),)),
    Case("forgets at once", GATED.format(bias="(-3)"), SEQUENCES, (("vanishing through time", "c, h"),)),
    Case("vanishes from row to row", ROWS_OF_ROWS.format(scale="0.1 * "), SEQUENCES,
         (("vanishing through time", "h"),)),
    Case("explodes through time", RECURRENT.format(weights="normal(0, 1)", act="relu"), SEQUENCES,
         (("exploding through time", "h"),)),
    Case("large input", layer(weights="normal(0, 0.0003)"), {"x": 1000 * X, "y": Y}, (("badly scaled input", "x"),)),
    Case("large whole numbers", layer(weights="normal(0, 0.0003)").replace("x: real", "x: int"),
         {"x": np.rint(1000 * X).astype(int), "y": Y}, (("badly scaled input", "x"),)),
    Case("small input", layer(), {"x": 1e-5 * X, "y": Y}, (("badly scaled input", "x"),)),
    Case("uneven input", layer(), {"x": STRETCHED, "y": Y}, (("badly scaled input", "x"),)),
    Case("input far from 0", layer(weights="normal(0, 0.05)"), {"x": 5 + 0.1 * X, "y": Y},
         (("badly scaled input", "x"),)),
    Case("input of a step", RECURRENT.format(weights="orthogonal()", act="tanh"), {"x": 1e-4 * XS, "y": YS},
         (("badly scaled input", "x"),)),
    Case("rounded", layer(out="round(h) @ v"), XY, (("no gradient", "W"), ("no gradient", "b"))),
    Case("held", layer(out="h @ stop_gradient(v)"), XY, (("no gradient", "v"),)),
    Case("not used", UNUSED, XY, (("no gradient", "u"),)),
    Case("weights of 0", layer(weights="zeros()", last="zeros()"), XY,
         (("no gradient", "W"), ("no gradient", "b"), ("no gradient", "v"))),
    Case("a shift that is taken out", SHIFTED, XY, (("no gradient", "b"),)),
    Case("equal units", layer(weights="full(0.1)", last="full(0.2)"), XY, (("symmetric units", "W"),)),
    Case("NaN", layer(act="log"), XY, (("not finite", "h"),)),
    Case("overflow", layer(act="exp", weights="normal(0, 900)"), XY, (("not finite", "h"),)),
    Case("gradient of a root at 0", layer(out="sqrt(abs(h @ v))", last="zeros()"), XY, (("not finite", "abs(h @ v)"),)),
]  # fmt: skip
REGRESSION = """\
dim N, D
input x: real[N, D]
input y: real[N]
param w: real[D]
loss L = mse(x @ w, y)
"""
CLASSES = """\
dim N, D, K = 3
input x: real[N, D]
input y: int[N] in range(K)
param W: real[D, K] = zeros()
param b: real[K] = zeros()
loss L = mean(cross_entropy(x @ W + b, y))
"""
CAUSAL = (
    ATTENTION.format(weights="xavier()", scale=" / sqrt(D)")
    .replace("a = softmax(scores)", "i = arange(T)\ns = where(i[:, None] >= i, scores, -1e9)\na = softmax(s)")
    .replace(
        "real[D, D] = xavier()\nparam v",
        "real[D, D] = xavier()\nparam P: real[T, D] = normal(0, 0.1)\nparam v",
    )
    .replace("x @ Q, x @ K", "(x + P) @ Q, (x + P) @ K")
)
RESIDUAL = "h{before} + 0.3 * {act}(h{before} @ W{k})"
HEALTHY = [
    Case("rows of rows", ROWS_OF_ROWS.format(scale=""), SEQUENCES),
    Case("classes in equal numbers, from 0", CLASSES, {"x": X[:90], "y": np.arange(90) % 3}, sizes={}),
    Case("attention to what came before", CAUSAL, {"x": ROWS, "y": ROWS[..., 0]}, sizes={}),
    Case("a relu as a choice", layer(out="where(h > 0, h, 0) @ v"), XY),
    Case("a mask", layer(out="where(x[:, :1] > 99, h, 1.0) @ v + sum(h, axis=1)"), XY),
    Case("tanh", layer(), XY),
    Case("sigmoid", layer(act="sigmoid"), XY),
    Case("relu", layer(act="relu", weights="kaiming()"), XY),
    Case("gelu", layer(act="gelu", weights="kaiming()"), XY),
    Case("hardtanh", layer(act="hardtanh"), XY),
    Case("few examples of a relu", layer(act="relu", weights="kaiming()"), {"x": X[:4], "y": Y[:4]}),
    Case("deep tanh", deep("tanh", "xavier()"), XY, sizes={"H": 32}),
    Case("deep relu", deep("relu", "kaiming()"), XY, sizes={"H": 64}),
    Case("very deep relu", deep("relu", "kaiming()", 20), XY, sizes={"H": 64}),
    Case("deep elu", deep("elu", "kaiming()"), XY, sizes={"H": 32}),
    Case("very deep, with connections past layers", deep("sigmoid", "xavier()", 20, RESIDUAL), XY, sizes={"H": 32}),
    Case("recurrent", RECURRENT.format(weights="orthogonal()", act="tanh"), SEQUENCES),
    Case("gates", GATED.format(bias="2"), SEQUENCES),
    Case("gates over many steps", GATED.format(bias="4"), {"x": LONG, "y": YS}),
    Case("attention", ATTENTION.format(weights="xavier()", scale=" / sqrt(D)"), {"x": ROWS, "y": ROWS[..., 0]}, sizes={}),
    Case("standardised in the model", layer().replace("x @ W", "((x - 5000) / 100) @ W"), {"x": 5000 + 100 * X, "y": Y}),
    Case("a regression that starts from 0", REGRESSION, XY, sizes={}),
]  # fmt: skip
