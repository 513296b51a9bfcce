"""Points at which the peers' tests look twice: zeros, ties, ends of the domain, infinities.

Where this language's convention differs from a peer's, the row says what the peer gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from peers import Row, at, row, slopes

INF, NAN = np.inf, np.nan
Numbers = Sequence[float]


def points(
    peer: str, text: str, x: Numbers, dx: Numbers, why: str = "", numpy: str | None = None
) -> list[Row]:
    """A row for all points in an array, and one for each as a number."""
    alone = [at(peer, text, slopes(x=d), why, numpy, x=float(p)) for p, d in zip(x, dx)]
    return [at(peer, text, slopes(x=dx), why, numpy, x=np.array(x, float)), *alone]


def pairs(
    peer: str,
    text: str,
    xs: Sequence[Numbers],
    known: Sequence[Numbers],
    why: str = "",
    numpy: str | None = None,
) -> list[Row]:
    alone = [
        at(peer, text, slopes(x=dx, y=dy), why, numpy, x=float(x), y=float(y))
        for (x, y), (dx, dy) in zip(xs, known)
    ]
    (x, y), (dx, dy) = np.transpose(np.array(xs, float)), np.transpose(np.array(known, float))
    return [at(peer, text, slopes(x=dx, y=dy), why, numpy, x=x, y=y), *alone]


def vector(
    peer: str, text: str, x: Sequence[object], dx: Sequence[object], why: str = "", numpy: str | None = None
) -> Row:
    return at(peer, text, slopes(x=dx), why, numpy, x=np.array(x, float))


TURNS = [0.0, np.pi, np.pi / 2, np.pi / 4]
ERF_SLOPE = 2 / np.sqrt(np.pi)

UNARY = [
    *points("lax", "sinh(x)", [0], [1]), *points("lax", "cosh(x)", [0], [0]), *points("lax", "tanh(x)", [0, 1000, -1000], [1, 0, 0]),
    *points("lax", "sin(x)", TURNS, np.cos(TURNS).tolist()), *points("lax", "cos(x)", TURNS, (-np.sin(TURNS)).tolist()), *points("lax", "tan(x)", [0], [1]),
    *points("lax", "arcsin(x)", [0, 1, -1, 1.3], [1, INF, INF, NAN]), *points("lax", "arccos(x)", [0, 1, -1, -1.3], [-1, -INF, -INF, NAN]),
    *points("lax", "arctan(x)", [0, 1000, INF], [1, 1 / (1 + 1e6), 0]), *points("lax", "erf(x)", [0, 10, INF], [ERF_SLOPE, ERF_SLOPE * np.exp(-100), 0]),
    *points("lax", "erfc(x)", [0, 10, -INF], [-ERF_SLOPE, -ERF_SLOPE * np.exp(-100), 0]),
    *points("lax", "abs(x)", [0, -0.0, -2], [0, 0, -1], "lax: 1 at 0; PyTorch, autograd: 0"), *points("lax", "sign(x)", [0, -3, 3], [0, 0, 0]),
    *points("lax", "sqrt(x)", [0, 4, -1], [INF, 0.25, NAN]), *points("lax", "cbrt(x)", [0, -8, 27], [INF, 1 / 12, 1 / 27]), *points("lax", "1 / sqrt(x)", [0, 4], [-INF, -1 / 16]),
    *points("lax", "log(x)", [0, 2, -1], [INF, 0.5, NAN], "lax, PyTorch, autograd: 1/x outside the domain too"), *points("lax", "log1p(x)", [-1, 0, 1e-20], [INF, 1, 1]),
    *points("lax", "expm1(x)", [0, -800, 1e-20], [1, 0, 1]), *points("lax", "arccosh(x)", [1, 2, 0.5], [INF, 1 / np.sqrt(3), NAN]), *points("lax", "arctanh(x)", [0, 1, -1], [1, INF, INF]),
    *points("lax", "arcsinh(x)", [0, 1e200], [1, 1e-200], "peers: 0 beyond 1e154"), *points("lax", "sigmoid(x)", [0, 1000, -1000, INF, -INF], [0.25, 0, 0, 0, 0]),
    *points("lax", "floor(x)", [0, 1, -1.5], [0, 0, 0]), *points("lax", "ceil(x)", [0, 1, -1.5], [0, 0, 0]), *points("lax", "round(x)", [0.5, 1.5, -0.5], [0, 0, 0]),
    *points("lax", "x**0", [0, 2, NAN], [0, 0, 0]), *points("lax", "x**0.0", [0, 2, INF], [0, 0, 0], "lax: NaN at 0"), *points("lax", "x**1", [0, -2], [1, 1]), *points("lax", "x**2", [0, -2], [0, -4]),
    *points("lax", "x**-1", [0, 2], [-INF, -0.25]), *points("lax", "x**0 + x", [3.14, 0], [1, 1]), *points("lax", "x**0. + x", [3.14, 0], [1, 1]), *points("lax", "x**0.5", [0, 4], [INF, 0.25]), *points("lax", "x**1.5", [0, 4], [0, 3]),
    *points("lax", "relu(x)", [0, -1, 1, -INF], [0, 0, 1, 0]), *points("lax", "relu(relu(relu(x)))", [0, 2], [0, 1]), *points("lax", "softplus(x)", [0, INF, -INF, 800], [0.5, 1, 0, 1]),
    *points("lax", "softplus(x)", [NAN], [NAN]), *points("lax", "log_sigmoid(x)", [0, 800, -800, -INF], [0.5, 0, 1, 1]), *points("lax", "silu(x)", [0, 1000, INF], [0.5, 1, 1], "peers: NaN at inf"), *points("lax", "silu(x)", [-INF], [0], "peers: NaN", "0.0 / x"),
    *points("lax", "elu(x)", [0, 1e4, -1e4], [1, 1, 0]), *points("lax", "selu(x)", [0, 1e4], [1.7580993408473766, 1.0507009873554805]), *points("lax", "leaky_relu(x, 0.1)", [0, -1, 1], [0.1, 0.1, 1], "lax: 1 at 0"),
    *points("lax", "hardtanh(x)", [1, -1, 0], [0, 0, 1], "lax: 1 at both joints; PyTorch: 0"), *points("lax", "relu6(x)", [0, 6, 3], [0, 0, 1]), *points("lax", "clip(x, 0, 2)", [0, 2, 1, 3], [0, 0, 1, 0], "lax: 1/2, PyTorch: 1 at the bounds; autograd: 0"),
    *points("lax", "gelu(x)", [0, 40, -INF], [0.5, 1, 0], "peers: NaN at -inf", "where(x < 0, 0.0, x)"), *points("lax", "log(sigmoid(x))", [-1000, 1000], [1, 0], numpy="log_sigmoid(x)"), *points("lax", "log(1 + exp(x))", [1000, -1000], [1, 0], numpy="softplus(x)"),
    *points("opinfo", "digamma(x)", [0.0, 1], [INF, np.pi**2 / 6]), *points("opinfo", "lgamma(x)", [1, 2, 0], [-np.euler_gamma, 1 - np.euler_gamma, -INF]), *points("opinfo", "polygamma(1, x)", [1], [-2.4041138063191886]),
    *points("opinfo", "logit(x)", [0.5, 0, 1], [4, INF, INF]), *points("opinfo", "reciprocal(x)", [0, 2], [-INF, -0.25]), *points("opinfo", "log2(x)", [0], [INF]), *points("opinfo", "log10(x)", [0], [INF]),
    *points("opinfo", "xlogy(x, x)", [0, 1], [-INF, 1]), *points("opinfo", "where(x == x, log(x), 0.0)", [NAN, 2], [0, 0.5], "peers: NaN"), *points("opinfo", "where(x > 0, sqrt(x), 0)", [0, -1, 4], [0, 0, 0.25], "peers: NaN"),
    *points("opinfo", "sqrt(relu(x))", [-1, 4], [0, 0.25], "peers: NaN"), *points("opinfo", "sqrt(x**2)", [0, -3], [0, -1], "peers: NaN"), *points("opinfo", "ndtr(x)", [0, INF, -INF], [1 / np.sqrt(2 * np.pi), 0, 0]), *points("opinfo", "log(ndtr(x))", [-40], [40.024968827626516], numpy="-804.608442013754 + 0 * x"),
    *points("autograd", "3.0 * abs(x)", [0, 1.1, -1.1], [0, 3, -3]), *points("autograd", "maximum(x, 0)", [0], [0], "autograd: 1/2"), *points("autograd", "maximum(0, x)", [0], [1], "autograd: 1/2"),
    *points("autograd", "x - x", [2, INF], [0, 0]),
    *points("lax", "sin(x) * cos(stop_gradient(x))", [3.14, 0.5], (np.cos([3.14, 0.5]) ** 2).tolist(), numpy="sin(x) * cos(x)"), *points("lax", "stop_gradient(x) + 0 * x", [1, 2], [0, 0], numpy="x"),
]  # fmt: skip

BINARY = [
    row("lax", "x**y", x=4.0, y=0.0, fixed=True), row("lax", "x**n", x=np.array([3.14, -2.0, 0.5]), n=np.array([0, 1, 3]), fixed=True),
    *(at("lax", "x**n", slopes(x=d), x=0.0, n=n) for n, d in ((0, 0.0), (1, 1.0), (2, 0.0))), at("lax", "sum(x**arange(0, 2))", slopes(x=1.0), x=3.14), at("lax", "sum(x**[0.0, 1.0])", slopes(x=1.0), x=3.14),
    *pairs("lax", "x**y", [(0, 0), (0, 1), (0, 2), (2, 0)], [(0, 0), (1, 0), (0, 0), (0, np.log(2))], "lax: NaN by x at (0, 0)"), *pairs("lax", "x**y", [(-2, 3)], [(12, NAN)]),
    *pairs("lax", "maximum(x, y)", [(1, 1), (2, 3), (3, 2)], [(0, 1), (0, 1), (1, 0)], "peers: 1/2 and 1/2 for ties"), *pairs("lax", "minimum(x, y)", [(1, 1), (2, 3), (3, 2)], [(0, 1), (1, 0), (0, 1)], "peers: 1/2 and 1/2 for ties"),
    *pairs("lax", "maximum(x, y)", [(INF, 1), (-INF, 1), (INF, INF)], [(1, 0), (0, 1), (0, 1)]), *pairs("lax", "arctan2(x, y)", [(0, 1), (1, 0), (0, -1), (1e200, 1e200)], [(1, 0), (0, -1), (-1, 0), (5e-201, -5e-201)]),
    *pairs("lax", "arctan2(x, y)", [(0, 0)], [(NAN, NAN)], "PyTorch: 0"), *pairs("lax", "hypot(x, y)", [(0, 0), (3, 4), (0, -2), (1e200, 5e199)], [(0, 0), (0.6, 0.8), (0, -1), (2 / np.sqrt(5), 1 / np.sqrt(5))], "lax: 1/2 at 0, wrong at 1e200"),
    *pairs("lax", "logaddexp(x, y)", [(INF, INF), (-INF, -INF), (-INF, 0), (INF, -INF), (1000, 1000), (1000, 0)], [(0.5, 0.5), (0, 0), (0, 1), (1, 0), (0.5, 0.5), (1, 0)], "lax: 1 and 1 at (inf, inf)"),
    *pairs("lax", "xlogy(x, y)", [(0, 0), (0, 2), (2, 4), (0, -1)], [(-INF, 0), (np.log(2), 0), (np.log(4), 0.5), (NAN, 0)], "peers: NaN by y at (0, 0)"), *pairs("lax", "xlog1py(x, y)", [(0, -1), (0, 1), (2, 3)], [(-INF, 0), (np.log(2), 0), (np.log(4), 0.5)]),
    *pairs("lax", "x / y", [(0, 2), (1e200, 1e160), (1e-200, 1e-180)], [(0.5, 0), (1e-160, -1e-120), (1e180, -1e160)], "lax, autograd: 0 and -inf for the two last"), *pairs("lax", "x % y", [(7, 2), (-7, 2), (7, -2)], [(1, -3), (1, 4), (1, 4)]),
    *pairs("lax", "x // y", [(7, 2), (-7, 2)], [(0, 0), (0, 0)]), *pairs("opinfo", "prelu(x, y)", [(0, 0.25), (-2, 0.25), (2, 0.25)], [(0.25, 0), (0.25, -2), (1, 0)]),
    *pairs("opinfo", "huber(x, y)", [(1, 0), (0, 0), (5, 0), (0, 5)], [(1, -1), (0, 0), (1, -1), (-1, 1)]), *pairs("opinfo", "mae(x, y)", [(1, 1)], [(0, 0)]),
    *pairs("opinfo", "binary_cross_entropy(x, y)", [(0, 0), (1, 1)], [(1, INF), (-1, -INF)], "PyTorch clamps"), *pairs("opinfo", "binary_cross_entropy_with_logits(x, y)", [(1000, 1), (-1000, 0), (1000, 0), (0, 0.5)], [(0, -1000), (0, 1000), (1, -1000), (0, 0)], "PyTorch: NaN at inf"),
    *pairs("opinfo", "rel_entr(x, y)", [(1, 1), (0, 2), (0, 0)], [(1, -1), (-INF, 0), (NAN, 0)]), *pairs("opinfo", "clip(1.0, x, y)", [(1, 2), (2, 3), (0, 1), (3, 2)], [(1, 0), (1, 0), (0, 1), (0, 1)]),
    *pairs("opinfo", "where(y > 0, x / y, 0)", [(1, 0), (1, 2)], [(0, 0), (0.5, -0.25)], "peers: NaN", "array([0.0, 0.5])[(1 * (y > 0))]"), *pairs("opinfo", "hinge(x, y)", [(1, 1), (0, 1), (-2, -1)], [(0, 0), (-1, 0), (0, 0)]),
    *pairs("autograd", "maximum(x, y) + minimum(x, y)", [(2, 2), (1, 3)], [(0, 2), (1, 1)], "autograd: 1 and 1"),
]  # fmt: skip

REDUCED = [
    vector("lax", "max(x)", [1, 3, 3], [0, 1, 0], "peers: 1/2 and 1/2"), vector("lax", "min(x)", [1, 1, 3], [1, 0, 0], "peers: 1/2 and 1/2"), vector("lax", "max(x, axis=0)", [[1, 5], [1, 2]], [[1, 1], [0, 0]]), vector("lax", "max(x, axis=(0, 1))", [[2, 2], [2, 1]], [[1, 0], [0, 0]]),
    vector("lax", "max(x)", [-INF, -INF], [1, 0]), vector("lax", "max(x)", [-INF, INF, 3], [0, 1, 0]), vector("lax", "max(x, axis=1, keepdims=true)", [[1, 1], [0, 2]], [[1, 0], [0, 1]]),
    vector("lax", "logsumexp(x)", [-INF, -INF], [0, 0], "peers: NaN"), vector("lax", "logsumexp(x)", [INF, INF, 0], [0.5, 0.5, 0], "peers: NaN"), vector("lax", "logsumexp(x)", [-INF, 0, 0], [0, 0.5, 0.5]), vector("lax", "logsumexp(x)", [1000, 1000], [0.5, 0.5]), vector("lax", "logsumexp(x)", [INF, -INF], [1, 0]),
    vector("lax", "logsumexp(x, axis=1)", [[-INF, -INF], [0, 0]], [[0, 0], [0.5, 0.5]]), vector("lax", "log(sum(exp(x)))", [1000, 1000], [0.5, 0.5], numpy="logsumexp(x)"), vector("opinfo", "logsumexp(x)", [20, 30, 100], [np.exp(-80), np.exp(-70), 1]),
    vector("opinfo", "logsumexp(x, axis=0)", [[1e6, 2e6], [1e6, 1e6]], [[0.5, 1], [0.5, 0]]), at("opinfo", "logsumexp(x)", slopes(x=1.0), x=1e6),
    vector("lax", "softmax(x)[0]", [-INF, 0, 0], [0, 0, 0]), vector("lax", "softmax(x)", [1000, 0], [0, 0]), vector("lax", "log_softmax(x)[1]", [-INF, 0, 0], [0, 0.5, -0.5]), vector("lax", "log_softmax(x)[0]", [1000, 0], [0, 0]), vector("lax", "softmax(x)[..., 0]", [[0, 0], [1000, 0]], [[0.25, -0.25], [0, 0]]),
    vector("lax", "prod(x)", [2, 0, 3], [0, 6, 0], "autograd: NaN"), vector("lax", "prod(x)", [0, 0, 3], [0, 0, 0]), vector("opinfo", "prod(x)", [2, 3, 0, 0], [0, 0, 0, 0]), vector("opinfo", "prod(x, axis=1)", [[2, 0], [3, 4]], [[0, 2], [4, 3]]), at("opinfo", "prod(x)", slopes(x=1.0), x=0.0),
    vector("opinfo", "prod(x, axis=(0, 2))", [[[2, 3], [1, 0]], [[0, 1], [5, 2]]], [[[0, 0], [0, 10]], [[6, 0], [0, 0]]]), vector("opinfo", "prod(x, axis=0, keepdims=true)", [[0, 1], [0, 2]], [[0, 2], [0, 1]]),
    vector("opinfo", "cumprod(x)", [2, 0, 3], [1, 8, 0]), vector("opinfo", "cumprod(x)", [0, 0, 3], [1, 0, 0]), vector("opinfo", "cumprod(x, axis=1)", [[0, 2, 3], [2, 3, 0]], [[9, 0, 0], [4, 2, 6]]), vector("opinfo", "cumprod(x, axis=0)", [[0, 2], [5, 0], [0, 4]], [[6, 1], [0, 10], [0, 0]]), vector("opinfo", "cumprod(x)", [0.0], [1]),
    vector("opinfo", "norm(x)", [0, 0], [0, 0], "lax, autograd: NaN"), vector("opinfo", "norm(x, ord=1)", [0, -1, 2], [0, -1, 1], "lax: 1 at 0"), vector("opinfo", "norm(x, axis=1)", [[0, 0], [3, 4]], [[0, 0], [0.6, 0.8]]), vector("opinfo", "norm(x)", [3e200, 4e200], [0.6, 0.8], "peers: inf, slope 0", "5e200"), vector("opinfo", "norm(x)", [3e-200, 4e-200], [0.6, 0.8], "peers: 0", "5e-200"), at("opinfo", "norm(x)", slopes(x=0.0), x=0.0),
    vector("opinfo", "std(x)", [2, 2, 2], [0, 0, 0], "lax, autograd: NaN"), vector("opinfo", "std(x, axis=1)", [[2, 2], [1, 3]], [[0, 0], [-0.5, 0.5]]), vector("opinfo", "var(x)", [5.0], [0]), vector("opinfo", "var(x)", [1e8, 1e8 + 1, 1e8 + 2], [-2 / 3, 0, 2 / 3]),
    vector("opinfo", "sum(x[[0, 0, 2]])", [1, 2, 3], [2, 0, 1]), vector("opinfo", 'sum(pad(x, 1, mode="reflect"))', [1, 2, 3], [1, 3, 1], numpy="sum(pad(x, 1, 'reflect'))"), vector("opinfo", "embedding(x, [1, 1, 1])", [[1, 2], [3, 4]], [[0, 0], [3, 3]]),
    vector("opinfo", "max_pool1d(x, 2)", [[[1, 1, 2, 0]]], [[[1, 0, 1, 0]]]), vector("opinfo", "max_pool1d(x, 2, stride=1)", [[[3, 3, 3]]], [[[1, 1, 0]]]), vector("opinfo", "max_pool1d(x, 3, stride=1, padding=1)", [[[-5, -6, -5]]], [[[2, 0, 1]]]),
    vector("opinfo", "cross_entropy(x, 1)", [1000, 0, 0], [1, -1, 0]), vector("opinfo", "cross_entropy(x, 0)", [-INF, 0, 0], [-1, 0.5, 0.5]), vector("opinfo", "cross_entropy(x, 2)", [-INF, -INF, 0], [0, 0, 0]), vector("opinfo", "cross_entropy(x, [0, 0.5, 0.5])", [-INF, 0, 0], [0, 0, 0], "PyTorch: NaN", "log(2.0)"),
    vector("opinfo", "kl_div(x, [0.2, 0.8])", [0, 1], [-INF, 1 - np.log(0.8)], numpy="kl_div(x, array([0.2, 0.8]))"), vector("opinfo", "kl_div([0.0, 1.0], x)", [0.2, 0.5], [0, -2], numpy="kl_div(array([0.0, 1.0]), x)"),
    vector("opinfo", "det(x)", [[1, 2], [2, 4]], [[4, -2], [-2, 1]], "PyTorch: 0; autograd raises"), vector("opinfo", "det(x)", [[1, 2, 3], [2, 4, 6], [3, 6, 9]], np.zeros((3, 3)).tolist()), vector("opinfo", "det(x)", np.zeros((3, 3)).tolist(), np.zeros((3, 3)).tolist()), vector("opinfo", "det(x)", [[0.0]], [[1]]), vector("opinfo", "det(x)", [[0, 1], [1, 0]], [[0, -1], [-1, 0]]),
    vector("opinfo", "det(x)", [[[1, 2], [2, 4]], [[2, 0], [0, 3]]], [[[4, -2], [-2, 1]], [[3, 0], [0, 2]]]), vector("opinfo", "logdet(x)", [[1, 0], [0, -2]], [[NAN, NAN], [NAN, NAN]], "PyTorch: 0", "nan"), vector("opinfo", "slogdet(x)[1]", [[1, 0], [0, -2]], [[1, 0], [0, -0.5]]), vector("opinfo", "log(abs(det(x)))", (1e-200 * np.eye(2)).tolist(), (1e200 * np.eye(2)).tolist(), numpy="2 * log(1e-200)"),
    vector("opinfo", "tril(x) @ [1.0, 1.0]", [[1, NAN], [2, 3]], [[1, 0], [1, 1]], numpy="tril(x) @ array([1.0, 1.0])"), vector("opinfo", "sum(triu(x, 1))", [[NAN, 1], [INF, 2]], [[0, 1], [0, 0]]), vector("opinfo", "x[1:] * 2", [NAN, 1, 2], [0, 2, 2]), vector("opinfo", "log(x)[1:]", [NAN, 1, 2], [0, 1, 0.5], "PyTorch: NaN"),
    vector("autograd", "sum(x[[0, 0]])", [1, 2, 3], [2, 0, 0]), vector("autograd", "sum(x[[0, 1, 0]])", [1, 2, 3], [2, 1, 0]), vector("lax", "sum(where(x > 1, x, 0) / x)", [1, 2, 4], [0, 0, 0]), vector("lax", "sum(maximum(x, x[::-1]))", [1, 1, 1], [1, 1, 1]),
    at("lax", "sum(x * n)", slopes(x=[2.0, 3.0]), x=[1.0, 1.0], n=[2, 3]), at("lax", "n / x", slopes(x=-1.5), x=2.0, n=6), at("opinfo", "x + n // 2 * b", slopes(x=1.0), x=1.5, n=7, b=True), at("lax", "maximum(x, n)", slopes(x=[0.0, 1.0]), "peers: 1/2", x=[2.0, 3.0], n=[2, 2]),
    at("lax", "argmax(x)", {}, x=[1.0, 3.0, 3.0]), at("lax", "argmin(x, axis=0)", {}, x=[[1.0, 3.0], [1.0, 2.0]]),
]  # fmt: skip

GROUPS: dict[str, list[Row]] = {
    "special unary": UNARY,
    "special binary": BINARY,
    "special reductions": REDUCED,
}
