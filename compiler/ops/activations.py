"""The activations of neural networks, and the stable forms that rewrite rules aim at.

Each is right over the whole range of doubles: sigmoid(-800) is 0 without a warning, softplus(800) is 800,
log1mexp(1e-20) is log(1e-20).

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> softplus.vjp(ops.argument("g", REAL), softplus(x), x)[0].args[1].op.name
'sigmoid'
"""

from __future__ import annotations

from math import inf, nan, pi, sqrt
from typing import Any

import numpy as np

from ..ir import Array, Interval, Node
from .arithmetic import greater, not_equal
from .base import elementwise
from .bounds import UNIT, holds, increasing
from .powers import exp, expm1, log
from .selection import clip, gate, maximum, minimum, nonnegative, where

ANY: Interval = (-3.0, 3.0)
TAILS = ((0.0,), (-0.0,), (40.0,), (-40.0,), (800.0,), (-800.0,), (inf,), (-inf,), (nan,))

SELU_SCALE = 1.0507009873554804934
SELU_ALPHA = 1.6732632423543772848
GELU_SCALE = 2.0 * sqrt(2.0 / pi)
GELU_CUBIC = 0.044715


def sigmoid_of(x: Array) -> Any:
    return np.where(x >= 0.0, 1.0, np.exp(-np.abs(x))) / (1.0 + np.exp(-np.abs(x)))


sigmoid = elementwise(
    "sigmoid",
    "1 / (1 + exp(-x)).",
    ("x",),
    vjp=lambda g, out, x: (g * (out * (1.0 - out)),),
    np=sigmoid_of,
    py="_sigmoid(x)",
    fast=lambda node, d: "_logistic(x)",
    scalar="_sigmoid_scalar(x)",
    plain="1.0 / (1.0 + math.exp(-x))",
    sympy=lambda sp, x: 1 / (1 + sp.exp(-x)),
    domain=(ANY,),
    special=TAILS,
    bounds=increasing(sigmoid_of, UNIT),
)


def log_sigmoid_of(x: Array) -> Any:
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


log_sigmoid = elementwise(
    "log_sigmoid",
    "log(sigmoid(x)) without underflow.",
    ("x",),
    vjp=lambda g, out, x: (g * sigmoid(-x),),
    np=log_sigmoid_of,
    py="np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))",
    scalar="(x if x < 0.0 else 0.0) - math.log1p(math.exp(-abs(x)))",
    sympy=lambda sp, x: -sp.log(1 + sp.exp(-x)),
    domain=(ANY,),
    special=TAILS,
    bounds=increasing(log_sigmoid_of, (-inf, 0.0)),
)


def softplus_of(x: Array) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


softplus = elementwise(
    "softplus",
    "log(1 + exp(x)) without overflow.",
    ("x",),
    vjp=lambda g, out, x: (g * sigmoid(x),),
    np=softplus_of,
    py="np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))",
    scalar="(x if x > 0.0 else 0.0) + math.log1p(math.exp(-abs(x)))",
    sympy=lambda sp, x: sp.log(1 + sp.exp(x)),
    domain=(ANY,),
    special=TAILS,
    bounds=increasing(softplus_of, (0.0, inf)),
)

relu = elementwise(
    "relu",
    "max(x, 0); its derivative is 0 at 0.",
    ("x",),
    vjp=lambda g, out, x: (gate(g, greater(out, 0.0)),),
    np=lambda x: np.maximum(x, 0.0),
    py="np.maximum(x, 0.0)",
    scalar="0.0 if x <= 0.0 else x",
    sympy=lambda sp, x: sp.Piecewise((x, x > 0), (0, True)),
    domain=(ANY,),
    special=TAILS,
    bounds=lambda x: (max(x[0], 0.0), max(x[1], 0.0)),
    selector=True,
)


def _leaky_relu_vjp(g: Node, out: Node, x: Node, slope: Node) -> tuple[Node, Node]:
    return where(greater(x, 0.0), g, slope * g), g * minimum(x, 0.0)


leaky_relu = elementwise(
    "leaky_relu",
    "x where positive, else slope * x; its derivative is the slope at 0.",
    ("x", "slope"),
    vjp=_leaky_relu_vjp,
    np=lambda x, slope: np.where(x > 0.0, x, slope * x),
    py="np.where(x > 0.0, x, slope * x)",
    scalar="x if x > 0.0 else slope * x",
    sympy=lambda sp, x, slope: sp.Piecewise((x, x > 0), (slope * x, True)),
    domain=(ANY, (0.1, 0.9)),
    special=tuple((x, 0.01) for (x,) in TAILS),
)


def _elu_vjp(g: Node, out: Node, x: Node, alpha: Node) -> tuple[Node, Node]:
    below = minimum(x, 0.0)
    slope = where(greater(x, 0.0), 1.0, alpha * exp(below))
    return g * slope, g * expm1(below)


elu = elementwise(
    "elu",
    "x where positive, else alpha * (exp(x) - 1); its derivative is alpha at 0.",
    ("x", "alpha"),
    vjp=_elu_vjp,
    np=lambda x, alpha: np.where(x > 0.0, x, alpha * np.expm1(np.minimum(x, 0.0))),
    py="np.where(x > 0.0, x, alpha * np.expm1(np.minimum(x, 0.0)))",
    scalar="x if x > 0.0 else alpha * math.expm1(x)",
    sympy=lambda sp, x, alpha: sp.Piecewise((x, x > 0), (alpha * (sp.exp(x) - 1), True)),
    domain=(ANY, (0.5, 2.0)),
    special=tuple((x, 1.5) for (x,) in TAILS),
)


def _selu_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    slope = where(greater(x, 0.0), SELU_SCALE, SELU_SCALE * SELU_ALPHA * exp(minimum(x, 0.0)))
    return (g * slope,)


selu = elementwise(
    "selu",
    "The scaled elu of self-normalising networks; its derivative is scale * alpha at 0.",
    ("x",),
    vjp=_selu_vjp,
    np=lambda x: SELU_SCALE * np.where(x > 0.0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0.0))),
    py=f"np.where(x > 0.0, {SELU_SCALE!r} * x, {SELU_SCALE * SELU_ALPHA!r} * np.expm1(np.minimum(x, 0.0)))",
    scalar=f"{SELU_SCALE!r} * x if x > 0.0 else {SELU_SCALE * SELU_ALPHA!r} * math.expm1(x)",
    sympy=lambda sp, x: sp.Piecewise(
        (sp.Float(SELU_SCALE, 30) * x, x > 0), (sp.Float(SELU_SCALE * SELU_ALPHA, 30) * (sp.exp(x) - 1), True)
    ),
    domain=(ANY,),
    special=TAILS,
    bounds=lambda x: (-SELU_SCALE * SELU_ALPHA * (1.0 + 1e-15), max(0.0, x[1] * 1.06)),
)

SATURATED = 1e3  # beyond it, sigmoid is 0 or 1 whatever the dtype


def _silu_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    s = sigmoid(x)
    return (g * (s + minimum(out, SATURATED) * (1.0 - s)),)  # bounded, or it would be inf * 0 at inf


silu = elementwise(
    "silu",
    "x * sigmoid(x), 0 at -inf.",
    ("x",),
    vjp=_silu_vjp,
    np=lambda x: np.maximum(x, -SATURATED) * sigmoid_of(x),
    py="_silu(x)",
    expand=lambda x: maximum(x, -SATURATED) * sigmoid(x),
    scalar="_silu_scalar(x)",
    sympy=lambda sp, x: x / (1 + sp.exp(-x)),
    domain=(ANY,),
    special=TAILS,
    bounds=lambda x: (-0.2785, max(0.0, x[1])),
)


def _gelu_inner(near: Any) -> Any:
    """The argument of the sigmoid; `near` is x within bounds that saturate it."""
    return GELU_SCALE * (near + GELU_CUBIC * (near * near * near))


def _gelu_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    near = clip(x, -SATURATED, SATURATED)
    s = sigmoid(_gelu_inner(near))
    return (g * (s + near * s * (1.0 - s) * (GELU_SCALE + 3.0 * GELU_SCALE * GELU_CUBIC * (near * near))),)


def _gelu_of(x: Array) -> Any:
    return np.maximum(x, -SATURATED) * sigmoid_of(_gelu_inner(np.clip(x, -SATURATED, SATURATED)))


gelu_tanh = elementwise(
    "gelu_tanh",
    "gelu by its tanh formula, as x * sigmoid(...) so that nothing cancels.",
    ("x",),
    vjp=_gelu_vjp,
    np=_gelu_of,
    py="_gelu_tanh(x)",
    expand=lambda x: maximum(x, -SATURATED) * sigmoid(_gelu_inner(clip(x, -SATURATED, SATURATED))),
    scalar="_gelu_tanh_scalar(x)",
    sympy=lambda sp, x: x / (1 + sp.exp(-2 * sp.sqrt(2 / sp.pi) * (x + sp.Rational(44715, 10**6) * x**3))),
    domain=(ANY,),
    special=TAILS,
    bounds=lambda x: (-0.1701, max(0.0, x[1])),
)

# --- stable forms --------------------------------------------------------------------------------

LN2 = 0.6931471805599453


def _log1mexp_of(x: Array) -> Any:
    small = np.log(-np.expm1(-np.minimum(x, LN2)))
    return np.where(x < LN2, small, np.log1p(-np.exp(-np.maximum(x, LN2))))


log1mexp = elementwise(
    "log1mexp",
    "log(1 - exp(-x)), exact at both ends.",
    ("x",),
    vjp=lambda g, out, x: (g / nonnegative(expm1(x)),),
    np=_log1mexp_of,
    py="_log1mexp(x)",
    scalar="_log1mexp_scalar(x)",
    sympy=lambda sp, x: sp.log(1 - sp.exp(-x)),
    domain=((0.2, 3.0),),
    special=((0.0,), (1e-20,), (40.0,), (800.0,), (inf,), (-1.0,)),
    singular=lambda x: x[0] <= 0.0,
    bounds=lambda x: (-inf, 0.0),
)


def _logit_of(p: Array) -> Any:
    middle = (p > 0.25) & (p < 0.65)
    near = np.where(middle, p, 0.5)
    return np.where(middle, np.log1p((2.0 * near - 1.0) / (1.0 - near)), np.log(p) - np.log1p(-p))


logit = elementwise(
    "logit",
    "log(p / (1 - p)), exact near one half.",
    ("p",),
    vjp=lambda g, out, p: (g / nonnegative(p * (1.0 - p)),),
    np=_logit_of,
    py="_logit(p)",
    scalar="_logit_scalar(p)",
    sympy=lambda sp, p: sp.log(p / (1 - p)),
    domain=((0.1, 0.9),),
    special=((0.0,), (1.0,), (0.5,), (1e-300,), (-0.1,), (1.1,), (0.25,), (0.65,)),
    singular=lambda p: p[0] <= 0.0 or p[1] >= 1.0,
)


def _rel_entr_of(p: Array, q: Array) -> Any:
    gap, ratio = (p - q) / q, p / q
    usual = (ratio > 1e-300) & (ratio < 1e300)
    far = np.where(usual, p * np.log(ratio), p * (np.log(p) - np.log(q)))
    return np.where((p == 0.0) & (q >= 0.0), 0.0, np.where(np.abs(gap) < 0.5, p * np.log1p(gap), far))


def _rel_entr_vjp(g: Node, out: Node, p: Node, q: Node) -> tuple[Node, Node]:
    return g * (log(p) - log(q) + 1.0), -gate(g * (p / nonnegative(q)), not_equal(p, 0.0))


rel_entr = elementwise(
    "rel_entr",
    "p * log(p / q), 0 where p is 0.",
    ("p", "q"),
    vjp=_rel_entr_vjp,
    np=_rel_entr_of,
    py="_rel_entr(p, q)",
    scalar="_rel_entr_scalar(p, q)",
    sympy=lambda sp, p, q: p * sp.log(p / q),
    domain=((0.2, 3.0), (0.2, 3.0)),
    special=((0.0, 1.0), (0.0, 0.0), (1.0, 0.0), (1e-310, 1e10), (1.0, 1.0 + 1e-12), (1e200, 1e-200)),
    singular=lambda p, q: p[0] <= 0.0 or q[0] <= 0.0,
    steep=lambda p, q: holds(p, 0.0),
)


def _bce_of(x: Array, t: Array) -> Any:
    positive = np.where(t == 0.0, 0.0, t * np.maximum(-x, 0.0))
    negative = np.where(t == 1.0, 0.0, (1.0 - t) * np.maximum(x, 0.0))
    return positive + negative + np.log1p(np.exp(-np.abs(x)))


bce_with_logits = elementwise(
    "bce_with_logits",
    "-t * log(sigmoid(x)) - (1 - t) * log(sigmoid(-x)) without overflow.",
    ("x", "t"),
    vjp=lambda g, out, x, t: (g * ((1.0 - t) * sigmoid(x) - t * sigmoid(-x)), -(g * x)),
    np=_bce_of,
    py="_bce_with_logits(x, t)",
    scalar="_bce_with_logits_scalar(x, t)",
    sympy=lambda sp, x, t: t * sp.log(1 + sp.exp(-x)) + (1 - t) * sp.log(1 + sp.exp(x)),
    domain=(ANY, (0.1, 0.9)),
    special=((inf, 1.0), (-inf, 0.0), (inf, 0.0), (40.0, 1.0), (800.0, 0.5), (-800.0, 1.0)),
)
