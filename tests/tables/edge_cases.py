"""The points that the numerics reference names, row by row: an expression, the point, its value, its slopes.

    "sqrt": [("sqrt(x)", 0.0, 0.0, INF), …]

A case has an expression of x (and y), the point, the value there and the derivatives by x (and y). None is
what the reference leaves open.
"""

from __future__ import annotations

import math
from typing import Union

INF, NAN = math.inf, math.nan
E, PI = math.e, math.pi
Numbers = Union[float, None, tuple[Union[float, None], ...]]
Edge = tuple[str, Numbers, Union[float, None], Numbers]

SIGMOID_1 = 1 / (1 + math.exp(-1))
LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543773

UNARY: dict[str, list[Edge]] = {
    "neg, square": [("-x", -0.0, 0.0, -1), ("x*x", 0.0, 0.0, 0), ("square(x)", -3.0, 9.0, -6), ("-x", INF, -INF, -1)],
    "abs": [("abs(x)", 0.0, 0.0, 0), ("abs(x)", -0.0, 0.0, 0), ("abs(x)", -INF, INF, -1), ("abs(x)", -1e-320, 1e-320, -1)],
    "sign": [("sign(x)", NAN, NAN, 0), ("sign(x)", 0.0, 0.0, 0), ("sign(x)", -3.0, -1.0, 0), ("sign(x) * x", 0.0, 0.0, 0)],
    "sqrt": [("sqrt(x)", 0.0, 0.0, INF), ("sqrt(x)", -0.0, -0.0, INF), ("sqrt(x)", -1.0, NAN, NAN), ("sqrt(x)", INF, INF, 0), ("3 * sqrt(-x)", 0.0, 0.0, -INF)],
    "cbrt": [("cbrt(x)", 0.0, 0.0, INF), ("cbrt(x)", -0.0, 0.0, INF), ("cbrt(x)", -8.0, -2.0, 1 / 12), ("cbrt(x)", -1e-300, -1e-100, 1e200 / 3)],
    "exp, expm1": [
        ("exp(x)", -INF, 0.0, 0), ("exp(x)", 0.0, 1.0, 1), ("expm1(x)", -40.0, -1.0, math.exp(-40)), ("expm1(x)", 1e-17, 1e-17, 1),
        ("expm1(x)", -1.5, math.expm1(-1.5), math.exp(-1.5)), ("expm1(x)", -INF, -1.0, 0),
    ],
    "log, log2, log10": [
        *((f"{f}(x)", p, v, s) for f in ("log", "log2", "log10") for p, v, s in [(0.0, -INF, INF), (-0.0, -INF, INF), (-1.0, NAN, NAN), (INF, INF, 0)]),
        ("log(x)", 1e-320, math.log(1e-320), INF), ("log2(x)", 8.0, 3.0, 1 / (8 * math.log(2))), ("log10(x)", 100.0, 2.0, 0.01 / math.log(10)),
    ],
    "log1p": [("log1p(x)", -1.0, -INF, INF), ("log1p(x)", -2.0, NAN, NAN), ("log1p(x)", 1e-17, 1e-17, 1), ("log1p(x)", -0.0, -0.0, 1)],
    "sin, cos, tan": [("sin(x)", 0.0, 0.0, 1), ("cos(x)", 0.0, 1.0, 0), ("tan(x)", 0.0, 0.0, 1), ("tan(x)", PI / 2, 1.633123935319537e16, 2.667093788113571e32)],
    "asin, acos": [
        ("arcsin(x)", 1.0, PI / 2, INF), ("arcsin(x)", -1.0, -PI / 2, INF), ("arccos(x)", 1.0, 0.0, -INF), ("arccos(x)", -1.0, PI, -INF),
        ("arcsin(x)", 1.5, NAN, NAN), ("arccos(x)", -1.5, NAN, NAN), ("arcsin(x)", 1 - 1e-12, 1.5707949125868, 707114.6025256454),
    ],
    "atan": [("arctan(x)", 1e200, PI / 2, 0), ("arctan(x)", -INF, -PI / 2, 0), ("arctan(x)", 0.0, 0.0, 1)],
    "sinh, cosh": [("sinh(x)", 0.0, 0.0, 1), ("cosh(x)", 0.0, 1.0, 0), ("sinh(x)", 1e-17, 1e-17, 1)],
    "tanh": [("tanh(x)", 0.0, 0.0, 1), ("tanh(x)", INF, 1.0, 0), ("tanh(x)", -INF, -1.0, 0), ("tanh(x)", 1e-300, 1e-300, 1)],
    "asinh": [("arcsinh(x)", 1e200, 461.210165779, 1e-200), ("arcsinh(x)", -1e200, -461.210165779, 1e-200), ("arcsinh(x)", INF, INF, 0)],
    "acosh": [("arccosh(x)", 1.0, 0.0, INF), ("arccosh(x)", 0.5, NAN, NAN), ("arccosh(x)", 1 + 1e-10, None, 70710.67519157329), ("arccosh(x)", 1e200, None, 1e-200)],
    "atanh": [("arctanh(x)", 1.0, INF, INF), ("arctanh(x)", -1.0, -INF, INF), ("arctanh(x)", 2.0, NAN, NAN), ("arctanh(x)", 1e-17, 1e-17, 1)],
    "reciprocal": [("1 / x", 0.0, INF, -INF), ("1 / x", -0.0, -INF, -INF), ("1 / x", INF, 0.0, 0), ("1 / x", 2.0, 0.5, -0.25)],
    "erf, erfc": [
        ("erf(x)", 0.0, 0.0, 2 / math.sqrt(PI)), ("erf(x)", INF, 1.0, 0), ("erfc(x)", -INF, 2.0, 0), ("erfc(x)", INF, 0.0, 0),
        ("erfc(x)", 26.0, 5.663192408856143e-296, -2 / math.sqrt(PI) * math.exp(-676)), ("erfc(x)", 1e200, 0.0, 0),
    ],
    "lgamma": [
        ("lgamma(x)", 0.0, INF, -INF), ("lgamma(x)", -1.0, INF, NAN), ("lgamma(x)", -7.0, INF, NAN), ("lgamma(x)", 1.0, 0.0, -0.5772156649015329),
        ("lgamma(x)", 2.0, 0.0, 0.42278433509846714), ("lgamma(x)", INF, INF, INF), ("lgamma(x)", -0.5, 1.2655121234846454, 0.03648997397857652),
    ],
    "digamma": [
        ("digamma(x)", 0.0, -INF, INF), ("digamma(x)", -0.0, INF, INF), ("digamma(x)", -3.0, NAN, NAN), ("digamma(x)", 1.0, -0.5772156649015329, PI**2 / 6),
        ("digamma(x)", 1.4616321449683622, -9.241265521729427e-17, 0.9676722454476212), ("digamma(x)", INF, INF, 0),
    ],
}  # fmt: skip

ACTIVATIONS: dict[str, list[Edge]] = {
    "sigmoid": [
        ("sigmoid(x)", 0.0, 0.5, 0.25), ("sigmoid(x)", -40.0, 4.248354255291589e-18, 4.248354255291589e-18), ("sigmoid(x)", -800.0, None, 0), ("sigmoid(x)", 800.0, 1.0, 0),
        ("sigmoid(x)", INF, 1.0, 0), ("sigmoid(x)", -700.0, math.exp(-700), math.exp(-700)),
    ],
    "log_sigmoid": [("log_sigmoid(x)", -INF, -INF, 1), ("log_sigmoid(x)", INF, 0.0, 0), ("log_sigmoid(x)", -800.0, -800.0, 1), ("log_sigmoid(x)", 40.0, -4.248354255291589e-18, 4.248354255291589e-18)],
    "softplus": [("softplus(x)", INF, INF, 1), ("softplus(x)", -INF, 0.0, 0), ("softplus(x)", 800.0, 800.0, 1), ("softplus(x)", -40.0, 4.248354255291589e-18, 4.248354255291589e-18), ("softplus(x)", 0.0, math.log(2), 0.5)],
    "relu": [("relu(x)", 0.0, 0.0, 0), ("relu(x)", -0.0, None, 0), ("relu(x)", NAN, NAN, None), ("relu(x)", -INF, 0.0, 0), ("relu(x)", INF, INF, 1)],
    "leaky_relu, prelu": [
        ("leaky_relu(x, 0.1)", 0.0, 0.0, 0.1), ("leaky_relu(x, 0.1)", -2.0, -0.2, 0.1), ("prelu(x, y)", (0.0, 0.3), 0.0, (0.3, 0)), ("prelu(x, y)", (-2.0, 0.3), -0.6, (0.3, -2)),
        ("prelu(x, y)", (2.0, 0.3), 2.0, (1, 0)), ("leaky_relu(x, 0.1)", INF, INF, 1),
    ],
    "elu, selu": [
        ("elu(x, 1.5)", 0.0, 0.0, 1.5), ("elu(x, 1.5)", 1000.0, 1000.0, 1), ("elu(x, 1.5)", -INF, -1.5, 0), ("selu(x)", 0.0, 0.0, LAMBDA * ALPHA), ("selu(x)", 1000.0, 1000 * LAMBDA, LAMBDA),
        ("selu(x)", -INF, -LAMBDA * ALPHA, 0), ("elu(x)", -1e-17, -1e-17, 1),
    ],
    "gelu (erf)": [
        ("gelu(x)", 0.0, 0.0, 0.5), ("gelu(x)", -10.0, -7.619853024160525e-23, -7.618400096464086e-22), ("gelu(x)", -INF, 0.0, 0), ("gelu(x)", INF, INF, 1), ("gelu(x)", -1e200, 0.0, 0),
    ],
    "gelu (tanh)": [
        ('gelu(x, approximate="tanh")', 0.0, 0.0, 0.5), ('gelu(x, approximate="tanh")', 1e200, 1e200, 1), ('gelu(x, approximate="tanh")', -1e200, 0.0, 0),
        ('gelu(x, approximate="tanh")', -INF, 0.0, 0), ('gelu(x, approximate="tanh")', INF, INF, 1), ('gelu(x, approximate="tanh")', -6.0, -8.43964670076231e-11, None),
    ],
    "silu": [("silu(x)", 0.0, 0.0, 0.5), ("silu(x)", -INF, 0.0, None), ("silu(x)", 800.0, 800.0, 1), ("silu(x)", -800.0, 0.0, 0), ("silu(x)", -700.0, -700 * math.exp(-700), -699 * math.exp(-700))],
    "hardtanh, relu6, hard_sigmoid": [
        ("hardtanh(x)", 1.0, 1.0, 0), ("hardtanh(x)", -1.0, -1.0, 0), ("hardtanh(x)", 0.5, 0.5, 1), ("relu6(x)", 0.0, 0.0, 0), ("relu6(x)", 6.0, 6.0, 0), ("relu6(x)", 5.0, 5.0, 1),
        ("clip(x + 3, 0, 6) / 6", 3.0, 1.0, 0), ("clip(x + 3, 0, 6) / 6", -3.0, 0.0, 0), ("clip(x + 3, 0, 6) / 6", 0.0, 0.5, 1 / 6),
    ],
    "clip": [
        ("clip(x, 0, 2)", 0.0, 0.0, 0), ("clip(x, 0, 2)", 2.0, 2.0, 0), ("clip(x, 0, 2)", 1.0, 1.0, 1), ("clip(x, 2, 1)", 0.0, 1.0, 0), ("clip(x, 0, 2)", NAN, NAN, None),
        ("clip(1.0, x, y)", (1.0, 2.0), 1.0, (1, 0)), ("clip(1.0, x, y)", (0.0, 1.0), 1.0, (0, 1)), ("clip(5.0, x, y)", (2.0, 3.0), 3.0, (0, 1)), ("clip(-5.0, x, y)", (2.0, 3.0), 2.0, (1, 0)),
        ("clip(0.0, x, y)", (2.0, 1.0), 1.0, (0, 1)), ("minimum(maximum(x, 0), 2)", 2.0, 2.0, 0), ("minimum(maximum(x, 0), 2)", 0.0, 0.0, 0),
    ],
}  # fmt: skip

BINARY: dict[str, list[Edge]] = {
    "+ - *": [("x + y", (1e308, 1e308), INF, (1, 1)), ("x - y", (INF, 1.0), INF, (1, -1)), ("x * y", (0.0, 5.0), 0.0, (5, 0)), ("x * x", -3.0, 9.0, -6), ("x * y", (0.0, INF), NAN, (INF, 0))],
    "x/y": [
        ("x / y", (1e200, 1e160), 1e40, (1e-160, -1e-120)), ("x / y", (1e-200, 1e-180), 1e-20, (1e180, -1e160)), ("x / y", (1.0, 0.0), INF, (INF, -INF)), ("x / y", (0.0, 2.0), 0.0, (0.5, 0)),
        ("x / y", (1.0, INF), 0.0, (0, 0)), ("x / x", 0.0, NAN, None),
    ],
    "x**n": [
        *(("x**0", p, 1.0, 0) for p in (0.0, -3.0, INF, NAN)), ("x**1", NAN, NAN, 1), ("x**1", 0.0, 0.0, 1), ("x**2", -3.0, 9.0, -6), ("x**2", 0.0, 0.0, 0), ("x**-1", 0.0, INF, -INF), ("x**3", -2.0, -8.0, 12), ("x**3", 0.0, 0.0, 0),
        ("x**-2", 0.0, INF, -INF), ("x**-1", -0.0, -INF, -INF), ("x**-2", 1e200, 0.0, 0), ("x**4", -2.0, 16.0, -32),
    ],
    "x**c": [
        ("x**0.0", 0.0, 1.0, 0), ("x**0.0", NAN, 1.0, 0), ("x**2.0", -3.0, 9.0, -6), ("x**0.5", 0.0, 0.0, INF), ("x**1.5", 0.0, 0.0, 0), ("x**0.3", 0.0, 0.0, INF), ("x**-0.5", 0.0, INF, -INF), ("x**0.3", -1.0, NAN, NAN), ("x**2.5", -1.0, NAN, NAN),
        ("x**0.5", -1.0, NAN, NAN), ("x**-0.5", 4.0, 0.5, -1 / 16),
    ],
    "x**y": [
        ("x**y", (0.0, 0.0), 1.0, (0, 0)), ("x**y", (0.0, 2.0), 0.0, (0, 0)), ("x**y", (0.0, 1.0), 0.0, (1, 0)), ("x**y", (0.0, -1.0), INF, (-INF, -INF)), ("x**y", (-2.0, 3.0), -8.0, (12, NAN)), ("x**y", (2.0, 0.0), 1.0, (0, math.log(2))),
        ("x**y", (-2.0, 0.5), NAN, (NAN, NAN)), ("x**y", (0.0, 0.5), 0.0, (INF, 0)), ("2**x", 0.0, 1.0, math.log(2)),
    ],
    "maximum": [
        ("maximum(x, y)", (2.0, 2.0), 2.0, (0, 1)), ("maximum(x, y)", (3.0, 2.0), 3.0, (1, 0)), ("maximum(x, 0)", 0.0, 0.0, 0), ("maximum(0, x)", 0.0, 0.0, 1), ("maximum(x, x)", 2.0, 2.0, 1), ("maximum(x, y)", (0.0, -0.0), None, (0, 1)),
        ("maximum(x, y)", (NAN, 1.0), NAN, None), ("maximum(x, y)", (INF, INF), INF, (0, 1)), ("maximum(x, y) * maximum(y, x)", (2.0, 2.0), 4.0, (2, 2)),
    ],
    "minimum": [("minimum(x, y)", (2.0, 2.0), 2.0, (0, 1)), ("minimum(x, y)", (1.0, 2.0), 1.0, (1, 0)), ("minimum(x, 0)", 0.0, 0.0, 0), ("minimum(0, x)", 0.0, 0.0, 1), ("minimum(x, y)", (1.0, NAN), NAN, None)],
    "where": [
        ("where(x > 0, x, y)", (1.0, 5.0), 1.0, (1, 0)), ("where(x > 0, x, y)", (0.0, 5.0), 5.0, (0, 1)), ("where(x > 0, exp(x), y)", (1000.0, 5.0), INF, (INF, 0)), ("sqrt(where(x > 0, x, y))", (0.0, 0.0), 0.0, (0, INF)),
        ("where(x > 0, log(x), x)", 0.0, 0.0, 1), ("sqrt(where(x > 0, 0 * x, y))", (1.0, 4.0), 0.0, (None, 0)),
    ],
    "atan2": [
        ("arctan2(x, y)", (0.0, 0.0), 0.0, (NAN, NAN)), ("arctan2(x, y)", (1e200, 1e200), PI / 4, (5e-201, -5e-201)), ("arctan2(x, y)", (1e-200, 1e-200), PI / 4, (5e199, -5e199)), ("arctan2(x, y)", (0.0, -1.0), PI, (-1, 0)),
        ("arctan2(x, y)", (1.0, 0.0), PI / 2, (0, -1)),
    ],
    "hypot": [("hypot(x, y)", (0.0, 0.0), 0.0, (0, 0)), ("hypot(x, y)", (1e200, 5e199), None, (2 / math.sqrt(5), 1 / math.sqrt(5))), ("hypot(x, y)", (3e-200, 4e-200), 5e-200, (0.6, 0.8)), ("hypot(x, y)", (-3.0, 0.0), 3.0, (-1, 0))],
    "logaddexp": [
        ("logaddexp(x, y)", (INF, INF), INF, (0.5, 0.5)), ("logaddexp(x, y)", (-INF, -INF), -INF, (0, 0)), ("logaddexp(x, y)", (INF, 0.0), INF, (1, 0)), ("logaddexp(x, y)", (0.0, -INF), 0.0, (1, 0)), ("logaddexp(x, y)", (-INF, INF), INF, (0, 1)),
        ("logaddexp(x, y)", (800.0, -800.0), 800.0, (1, 0)), ("logaddexp(x, y)", (3.0, 3.0), 3 + math.log(2), (0.5, 0.5)), ("logaddexp(x, y)", (0.0, -40.0), None, (1, 4.248354255291589e-18)),
    ],
    "xlogy": [
        ("xlogy(x, y)", (0.0, 0.0), 0.0, (-INF, 0)), ("xlogy(x, y)", (0.0, NAN), NAN, None), ("xlogy(x, y)", (0.0, 2.0), 0.0, (math.log(2), 0)), ("xlogy(x, y)", (2.0, 0.0), -INF, (-INF, INF)), ("xlogy(x, y)", (2.0, -1.0), NAN, (NAN, NAN)),
        ("xlogy(x, y)", (0.0, INF), 0.0, (INF, 0)),
    ],
    "xlog1py": [("xlog1py(x, y)", (0.0, -1.0), 0.0, (-INF, 0)), ("xlog1py(x, y)", (0.0, NAN), NAN, None), ("xlog1py(x, y)", (2.0, -1.0), -INF, (-INF, INF)), ("xlog1py(x, y)", (2.0, -2.0), NAN, (NAN, NAN)), ("xlog1py(x, y)", (3.0, 1e-17), 3e-17, (1e-17, 3))],
    "lbeta": [("lbeta(x, y)", (1e12, 1.0), -27.631021115928547, (-1e-12, -28.208236780830597)), ("lbeta(x, y)", (1.0, 1.0), 0.0, (-1, -1)), ("lbeta(x, y)", (0.0, 2.0), INF, (-INF, None))],
    "mod": [("x % y", (7.0, 2.0), 1.0, (1, -3)), ("x % y", (-7.0, 2.0), 1.0, (1, 4)), ("x % y", (4.0, 2.0), 0.0, (1, -2)), ("x % y", (1.0, 0.0), NAN, None), ("x // y", (7.0, 2.0), 3.0, (0, 0)), ("x // y", (1.0, 0.0), INF, (0, 0))],
}  # fmt: skip

LOSSES: dict[str, list[Edge]] = {
    "bce_with_logits": [
        ("binary_cross_entropy_with_logits(x, y)", (INF, 1.0), 0.0, (0, -INF)), ("binary_cross_entropy_with_logits(x, y)", (-INF, 0.0), 0.0, (0, INF)), ("binary_cross_entropy_with_logits(x, 1)", 40.0, 4.248354255291589e-18, -4.248354255291589e-18),
        ("binary_cross_entropy_with_logits(x, 0)", 1000.0, 1000.0, 1), ("binary_cross_entropy_with_logits(x, y)", (INF, 0.0), INF, (1, -INF)), ("binary_cross_entropy_with_logits(x, 0.25)", 0.0, math.log(2), 0.25),
    ],
    "bce": [
        ("binary_cross_entropy(x, y)", (0.0, 0.0), 0.0, (1, INF)), ("binary_cross_entropy(x, y)", (1.0, 1.0), 0.0, (-1, -INF)), ("binary_cross_entropy(x, y)", (0.0, 1.0), INF, (-INF, INF)), ("binary_cross_entropy(x, y)", (1e-300, 1.0), 690.7755278982137, (-1e300, None)),
    ],
    "mse, mae": [("mae(x, y)", (1.0, 1.0), 0.0, (0, 0)), ("mae(x, y)", (-1.0, 1.0), 2.0, (-1, 1)), ("mse(x, y)", (1.0, 1.0), 0.0, (0, 0)), ("mse(x, y)", (3.0, 1.0), 4.0, (4, -4))],
    "huber": [("huber(x, y)", (1.0, 0.0), 0.5, (1, -1)), ("huber(x, y)", (-1.0, 0.0), 0.5, (-1, 1)), ("huber(x, y, delta=2)", (5.0, 0.0), 8.0, (2, -2)), ("huber(x, y)", (0.0, 0.0), 0.0, (0, 0)), ("huber(x, y)", (INF, 0.0), INF, (1, -1))],
}  # fmt: skip

PRINCIPLES: dict[str, list[Edge]] = {
    "P4": [
        ("where(x > 0, sqrt(x), 0)", 0.0, 0.0, 0), ("where(x > 0, sqrt(x), 0)", -1.0, 0.0, 0), ("where(x > 0, log(x), 0)", -1.0, 0.0, 0), ("where(x > 0, 1 / x, 0)", 0.0, 0.0, 0), ("where(x > 0, cbrt(x), 0)", 0.0, 0.0, 0), ("where(x > 0, log1p(-x), 0)", 0.0, 0.0, 0),
        ("where(x < 0, arcsin(x), 0)", 1.0, 0.0, 0), ("where(x < 0, arccosh(x), 0)", 1.0, 0.0, 0), ("where(x < 0, arctanh(x), 0)", 1.0, 0.0, 0), ("where(x < 0, x**0.3, 0)", 0.0, 0.0, 0), ("where(x < 0, x**x, 0)", 0.0, 0.0, 0), ("where(x < 0, xlogy(x, x), 0)", 0.0, 0.0, 0),
        ("where(y > 0, arctan2(x, y), 0)", (0.0, 0.0), 0.0, (0, 0)), ("where(x > 0, lgamma(x), 0)", 0.0, 0.0, 0), ("where(x > 0, digamma(x), 0)", 0.0, 0.0, 0), ("log(maximum(x, 0) + y)", (-1.0, 0.0), -INF, (0, INF)), ("where(x > 0, x / y, 0)", (0.0, 0.0), 0.0, (0, 0)),
        ("clip(sqrt(x), 0.5, 2)", 0.0, 0.5, 0), ("where(x > 0, log(x) / x, 0)", 0.0, 0.0, 0), ("where(x < 0, arctan2(x, x), 0)", 0.0, 0.0, 0), ("where(x > 0, logit(x), 0)", 0.0, 0.0, 0), ("where(x > 0, log1mexp(x), 0)", 0.0, 0.0, 0),
    ],
    "P8": [("floor(x)", 2.0, 2.0, 0), ("ceil(x)", 2.0, 2.0, 0), ("round(x)", 2.5, 2.0, 0), ("where(x > y, 1.0, 0.0)", (1.0, 1.0), 0.0, (0, 0)), ("(x > 0) * y", (0.0, 3.0), 0.0, (0, 0))],
    "P11": [("maximum(x, y) - maximum(y, x)", (2.0, 2.0), 0.0, (-1, 1)), ("1 / (0 * x) if y > 0 else 0 * x", (-1.0, 1.0), -INF, None)],
}  # fmt: skip
