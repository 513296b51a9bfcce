"""A table of expressions of the language, each with the NumPy expression that it reads like."""

from __future__ import annotations

import numpy as np

SIZES = {"N": 4, "D": 3}
HEAD = """
dim N, D
input x: real[N, D]
input u: real[N]
input v: real[D]
input s: real
input i: int[N] in range(D)
input k: int
input b: bool[N, D]
"""
RNG = np.random.default_rng(7)
VALUES = {
    "x": RNG.normal(size=(4, 3)),
    "u": RNG.uniform(0.1, 0.9, size=4),
    "v": RNG.normal(size=3),
    "s": np.array(0.7),
    "i": np.array([2, 0, 2, 1]),
    "k": np.array(1),
    "b": RNG.random((4, 3)) < 0.5,
}

# expression of the model, expression of NumPy (None: the same text)
EXPRESSIONS: list[tuple[str, str | None]] = [
    ("x + v", None), ("x - 1", None), ("2 * x / 3", None), ("s**2", None), ("x**3", None), ("2**-x", None), ("-x**2", None),
    ("x // 0.3", None), ("x % 0.3", None), ("i // 2", None), ("-i % 3", None), ("i / 2", None), ("7 // 2", "7 // 2"), ("-7 % 3", "2"),
    ("x @ v", None), ("u @ x", None), ("v @ v", None), ("x.T @ x", None), ("u.T", "u"), ("k + s", None),
    ("x > 0", None), ("0 < x", None), ("0 < s < 1", "0 < s < 1"), ("0 < u <= 0.5", "(0 < u) & (u <= 0.5)"), ("i == 2", None), ("i != k", None),
    ("x > 0 and b", "(x > 0) & b"), ("b or x > 1", "b | (x > 1)"), ("not b", "~b"), ("b == (x > 0)", "b == (x > 0)"),
    ("x if s > 0 else -x", "x"), ("1 if x > 0 else 0", "np.where(x > 0, 1, 0)"), ("where(b, x, 0)", "np.where(b, x, 0)"), ("b * x", None),
    ("x[0]", None), ("x[-1]", None), ("x[:, 1]", None), ("x[1:, :2]", None), ("x[::2]", None), ("x[1::2, ::-1]", None), ("x[N-1]", "x[3]"),
    ("x[None]", None), ("u[:, None] * v", None), ("x[..., 0]", None), ("x[..., None].T", None), ("x[-2:]", None), ("x[:-1, 0]", None), ("x[::-1]", None),
    ("x[i]", "x[i]"), ("x[i, i]", None), ("x[:, i]", None), ("v[i]", None), ("v[k]", None), ("x[k, 1:]", None), ("x[arange(N), i]", "x[np.arange(4), i]"), ("v[[0, 2, 0]]", None),
    ("v[i][::2]", None), ("x[i[:, None], i]", None), ("x[1, i]", None), ("u[0:N-1]", "u[:-1]"), ("u[3]", None),
    ("[s, 2 * s, [1, 2][0]]", "np.array([s, 2 * s, 1])"), ("[[1, 2], [3, 4.5]]", "np.array([[1, 2], [3, 4.5]])"), ("[v, 2 * v]", "np.array([v, 2 * v])"),
    ("pi * e", "np.pi * np.e"), ("inf", "np.inf"), ("sqrt(D)", "np.sqrt(3)"), ("x / N", "x / 4"), ("N * D - 1", "11"), ("max(0, N - 5)", "0"), ("maximum(N, D)", "4"),
    ("abs(x)", "np.abs(x)"), ("sign(x)", "np.sign(x)"), ("sqrt(u)", "np.sqrt(u)"), ("cbrt(x)", "np.cbrt(x)"), ("square(x)", "x * x"), ("exp(x)", "np.exp(x)"), ("expm1(x)", "np.expm1(x)"),
    ("log(u)", "np.log(u)"), ("log1p(u)", "np.log1p(u)"), ("log2(u)", "np.log2(u)"), ("log10(u)", "np.log10(u)"), ("sin(x) + cos(x) + tan(x)", "np.sin(x) + np.cos(x) + np.tan(x)"),
    ("arcsin(u) + arccos(u) + arctan(u)", "np.arcsin(u) + np.arccos(u) + np.arctan(u)"), ("arctan2(x, v)", "np.arctan2(x, v)"),
    ("sinh(x) + cosh(x) + tanh(x)", "np.sinh(x) + np.cosh(x) + np.tanh(x)"), ("arcsinh(x)", "np.arcsinh(x)"), ("arccosh(u + 1)", "np.arccosh(u + 1)"), ("arctanh(u)", "np.arctanh(u)"),
    ("floor(x) + ceil(x) + round(x)", "np.floor(x) + np.ceil(x) + np.round(x)"), ("sigmoid(x)", "special.expit(x)"), ("log_sigmoid(x)", "special.log_expit(x)"), ("softplus(x)", "np.logaddexp(0, x)"),
    ("relu(x)", "np.maximum(x, 0)"), ("leaky_relu(x, 0.2)", "np.where(x > 0, x, 0.2 * x)"), ("leaky_relu(x)", "np.where(x > 0, x, 0.01 * x)"), ("prelu(x, s)", "np.where(x > 0, x, s * x)"),
    ("elu(x)", "np.where(x > 0, x, np.expm1(x))"), ("elu(x, alpha=0.5)", "np.where(x > 0, x, 0.5 * np.expm1(x))"),
    ("selu(x)", "1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))"), ("silu(x)", "x * special.expit(x)"),
    ('gelu(x, approximate="tanh")', "0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))"), ("hardtanh(x)", "np.clip(x, -1, 1)"), ("relu6(9 * x)", "np.clip(9 * x, 0, 6)"),
    ("maximum(x, v)", "np.maximum(x, v)"), ("minimum(x, 0)", "np.minimum(x, 0)"), ("clip(x, -0.5, s)", "np.clip(x, -0.5, s)"), ("xlogy(u, u)", "special.xlogy(u, u)"), ("xlog1py(u, u)", "special.xlog1py(u, u)"),
    ("erf(x)", "special.erf(x)"), ("erfc(x)", "special.erfc(x)"), ("erfcx(x)", "special.erfcx(x)"), ("ndtr(x)", "special.ndtr(x)"), ("gelu(x)", "x * special.ndtr(x)"), ("log(erfc(3 * x))", "special.log_ndtr(-3 * x * np.sqrt(2)) + np.log(2)"),
    ("lgamma(u)", "special.gammaln(u)"), ("digamma(u)", "special.digamma(u)"), ("trigamma(u)", "special.polygamma(1, u)"), ("polygamma(3, u)", "special.polygamma(3, u)"), ("polygamma(0, u)", "special.digamma(u)"), ("lbeta(u, s)", "special.betaln(u, s)"),
    ("logaddexp(x, v)", "np.logaddexp(x, v)"), ("hypot(x, v)", "np.hypot(x, v)"),
    ("sum(x)", "x.sum()"), ("sum(x, axis=0)", "x.sum(0)"), ("sum(x, 1, keepdims=true)", "x.sum(1, keepdims=True)"), ("sum(x, axis=(0, 1))", "x.sum()"), ("sum(b)", "b.sum()"), ("mean(x, axis=-1)", "x.mean(-1)"), ("mean(i)", "i.mean()"),
    ("prod(x, axis=1)", "x.prod(1)"), ("max(x)", "x.max()"), ("max(x, axis=1)", "x.max(1)"), ("min(x, axis=0, keepdims=true)", "x.min(0, keepdims=True)"), ("var(x, axis=0)", "x.var(0)"), ("var(x, ddof=1)", "x.var(ddof=1)"),
    ("std(x)", "x.std()"), ("norm(x)", "np.sqrt((x * x).sum())"), ("norm(x, ord=1, axis=1)", "np.abs(x).sum(1)"), ("logsumexp(x, axis=1)", "special.logsumexp(x, axis=1)"), ("argmax(x, axis=1)", "x.argmax(1)"), ("argmin(x)", "x.argmin()"),
    ("all(b, axis=0)", "b.all(0)"), ("any(b)", "b.any()"), ("cumsum(u)", "u.cumsum()"), ("cumsum(x, axis=1)", "x.cumsum(1)"), ("cumsum(x)", "x.cumsum()"), ("cumprod(x, axis=0)", "x.cumprod(0)"),
    ("softmax(x)", "special.softmax(x, axis=1)"), ("softmax(x, axis=0)", "special.softmax(x, axis=0)"), ("log_softmax(x)", "special.log_softmax(x, axis=1)"),
    ("layer_norm(x, v, 1.0)", "(x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) * v + 1"),
    ("batch_norm(x, v, v)", "(x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) * v + v"), ("batch_norm(x, u, u, axis=0)", "((x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)) * u[:, None] + u[:, None]"),
    ("cross_entropy(x, i)", "-special.log_softmax(x, axis=1)[np.arange(4), i]"), ("cross_entropy(x, softmax(x))", "-(special.softmax(x, axis=1) * special.log_softmax(x, axis=1)).sum(1)"),
    ("binary_cross_entropy(u, 0.3)", "-(0.3 * np.log(u) + 0.7 * np.log1p(-u))"), ("binary_cross_entropy_with_logits(x, 0.3)", "0.3 * np.logaddexp(0, -x) + 0.7 * np.logaddexp(0, x)"),
    ("mse(x, v)", "((x - v)**2).mean()"), ("mae(x, v)", "np.abs(x - v).mean()"), ("huber(x, v)", "np.where(np.abs(x - v) <= 1, (x - v)**2 / 2, np.abs(x - v) - 0.5)"), ("hinge(u, -1)", "np.maximum(1 + u, 0)"),
    ("kl_div(softmax(x), softmax(v))", "(special.softmax(x, axis=1) * np.log(special.softmax(x, axis=1) / special.softmax(v))).sum(1)"),
    ("dot(x, v)", "x @ v"), ("dot(v, v)", "v @ v"), ("outer(u, v)", "np.outer(u, v)"), ('einsum("nd,d->n", x, v)', "x @ v"), ('einsum("nd, nd", x, x)', "(x * x).sum()"), ('einsum("...d->...", x)', "x.sum(1)"), ('einsum("ij->ji", x)', "x.T"),
    ("det(x.T @ x)", "np.linalg.det(x.T @ x)"), ("logdet(x.T @ x)", "np.linalg.slogdet(x.T @ x)[1]"), ("slogdet(x.T @ x)[0]", "np.linalg.slogdet(x.T @ x)[0]"), ("inv(x.T @ x)", "np.linalg.inv(x.T @ x)"), ("inv(x.T @ x)[None] + 1", "np.linalg.inv(x.T @ x)[None] + 1"),
    ("solve(x.T @ x, v)", "np.linalg.solve(x.T @ x, v)"), ("solve(x.T @ x + eye(D), x.T)", "np.linalg.solve(x.T @ x + np.eye(3), x.T)"), ("solve_triangular(x.T @ x, v, lower=true)", "np.linalg.solve(np.tril(x.T @ x), v)"), ("solve_triangular(x.T @ x, v)", "np.linalg.solve(np.triu(x.T @ x), v)"),
    ('solve_triangular(x.T @ x, x.T, "T", lower=true)', "np.linalg.solve(np.tril(x.T @ x).T, x.T)"), ("solve_triangular(x.T @ x, v, unit_diagonal=true)", "np.linalg.solve(np.triu(x.T @ x, 1) + np.eye(3), v)"), ("cholesky(x.T @ x)", "np.linalg.cholesky(x.T @ x)"), ("cholesky(x.T @ x, upper=true)", "np.linalg.cholesky(x.T @ x).T"),
    ("trace(x.T @ x)", "np.trace(x.T @ x)"), ("diag(v)", "np.diag(v)"), ("diag(x.T @ x)", "np.diag(x.T @ x)"), ("diag(v, k=1)", "np.diag(v, 1)"), ("tril(x)", "np.tril(x)"), ("triu(x, k=1)", "np.triu(x, 1)"),
    ("reshape(x, D, N)", "x.reshape(3, 4)"), ("reshape(x, (N * D,))", "x.ravel()"), ("reshape(x, -1)", "x.ravel()"), ("reshape(x, D, -1)", "x.reshape(3, 4)"), ("transpose(x)", "x.T"), ("transpose(x[None], 2, 0, 1)", "x[None].transpose(2, 0, 1)"),
    ("transpose(x[None], (1, 2, 0))", "x[None].transpose(1, 2, 0)"), ("swapaxes(x, 0, -1)", "x.T"), ("squeeze(x[:, None])", "x"), ("squeeze(x[None], axis=0)", "x"), ("expand_dims(x, 1)", "x[:, None]"), ("expand_dims(v, (0, 2))", "v[None, :, None]"),
    ("broadcast_to(v, N, D)", "np.broadcast_to(v, (4, 3))"), ("broadcast_to(s, (N, D))", "np.broadcast_to(s, (4, 3))"), ("concatenate((x, x))", "np.concatenate((x, x))"), ("concatenate((x, 2 * x), axis=1)", "np.concatenate((x, 2 * x), 1)"), ("concatenate((u, v), 0)", "np.concatenate((u, v))"),
    ("stack((v, v))", "np.stack((v, v))"), ("stack((u, u), axis=-1)", "np.stack((u, u), -1)"), ("pad(v, 1)", "np.pad(v, 1)"), ("pad(x, ((1, 0), (0, 2)))", "np.pad(x, ((1, 0), (0, 2)))"), ('pad(v, (1, 2), mode="reflect")', "np.pad(v, (1, 2), 'reflect')"), ('pad(v, 2, mode="edge")', "np.pad(v, 2, 'edge')"),
    ("pad(v, 1, constant_values=3)", "np.pad(v, 1, constant_values=3)"), ("flip(x)", "np.flip(x)"), ("flip(x, axis=1)", "np.flip(x, 1)"), ("roll(v, 1)", "np.roll(v, 1)"), ("roll(x, -1, axis=0)", "np.roll(x, -1, 0)"), ("roll(x, 2)", "np.roll(x, 2)"), ("repeat(v, 2)", "np.repeat(v, 2)"), ("repeat(x, 3, axis=1)", "np.repeat(x, 3, 1)"),
    ("tile(v, 2)", "np.tile(v, 2)"), ("tile(v, (2, 1))", "np.tile(v, (2, 1))"), ("tile(x, 1, 2)", "np.tile(x, (1, 2))"), ("one_hot(i, D)", "np.eye(3)[i]"), ("embedding(x, i)", "x[i]"), ("zeros(N, 2) + x[:, :2]", "x[:, :2]"), ("ones((D,)) * v", "v"), ("full((2, D), v)", "np.full((2, 3), v)"), ("full(D, 2.5)", "np.full(3, 2.5)"), ("eye(D) @ v", "v"), ("eye(2, 3)", "np.eye(2, 3)"),
    ("arange(N) * u", "np.arange(4) * u"), ("arange(1, D + 1)", "np.arange(1, 4)"), ("arange(10, 0, -3)", "np.arange(10, 0, -3)"), ("linspace(0, 1, N)", "np.linspace(0, 1, 4)"), ("linspace(s, 2, 5)", "np.linspace(s, 2, 5)"),
    ("zeros_like(b)", "np.zeros_like(b)"), ("sum(ones_like(i))", "4"),
    ("var(s)", "np.var(s)"), ("std(s)", "np.std(s)"), ("logsumexp(s)", "special.logsumexp(s)"),
    ("norm(s)", "np.abs(s)"), ("sum(x, axis=[0, 1])", "x.sum()"), ("reshape(u, [N, 1])", "u.reshape([4, 1])"),
    ("pad(x, [[1, 0], [0, 2]])", "np.pad(x, [[1, 0], [0, 2]])"), ("transpose(x, [1, 0])", "x.T"),
]  # fmt: skip
