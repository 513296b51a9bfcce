"""Rows after the tests of other systems, and how their operations are said in NumPy and SciPy.

    row("autograd", "sum(x, axis=0, keepdims=true)", x=(3, 4))

The text is one of this language and of NumPy at once, under the names of `REFERENCE`; where the two differ,
the second text is NumPy's. An argument is a shape to be filled, `draw(shape, low, high)`, or the value itself;
ints and bools are data. Known slopes, `slopes(x=…)`, are those of the sum of the result; without them the
reference is differentiated by differences. `why` says where a peer gives something else.

Peers: lax (JAX, tests/lax_autodiff_test.py), opinfo (PyTorch, torch/testing/_internal), autograd (tests/),
tangent (tests/functions.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any
from zlib import crc32

import numpy as np
from scipy import special

Array = Any
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """A text of the model, the text of its reference, arguments; slopes where they are known."""

    peer: str
    text: str
    numpy: str
    values: Mapping[str, Array]
    known: Mapping[str, Array] = field(default_factory=dict)
    fixed: bool = False  # its text has sizes in it, so its dims are numbers
    second: bool = True  # its second derivative is compared, too
    why: str = ""

    def __str__(self) -> str:
        shapes = ", ".join(f"{n}{np.shape(v)}" for n, v in self.values.items())
        return f"{self.peer}: {self.text} of {shapes}"

    def value(self, **changed: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(eval(self.numpy, {**REFERENCE, **self.values, **changed}))


@dataclass(frozen=True)
class Draw:
    shape: Shape
    low: float
    high: float

    def __call__(self, rng: np.random.Generator, k: int) -> Array:
        """Hundredths, moved by a bit that is the k-th argument's own: few are equal, no kink is near."""
        count = round(100 * (self.high - self.low))
        places = rng.choice(count, self.shape, replace=prod(self.shape) > count)
        return np.asarray(self.low + places / 100 + 0.0031 + 0.0023 * k)


def draw(shape: Shape, low: float, high: float) -> Draw:
    return Draw(shape, low, high)


def filled(value: Any, seed: str, k: int) -> Array:
    """The value of the k-th argument; what is drawn depends on its own row alone."""
    if isinstance(value, tuple):
        value = Draw(value, -2.0, 2.0)
    if isinstance(value, Draw):
        return value(np.random.default_rng([crc32(seed.encode()), k]), k)
    return np.asarray(value)


def row(
    peer: str, text: str, numpy: str | None = None, *, fixed: bool = False, second: bool = True, **values: Any
) -> Row:
    arrays = {name: filled(value, text, k) for k, (name, value) in enumerate(values.items())}
    return Row(peer, text, numpy or text, arrays, fixed=fixed, second=second)


def slopes(**known: Any) -> dict[str, Array]:
    return {name: np.asarray(value, float) for name, value in known.items()}


def at(
    peer: str, text: str, known: Mapping[str, Array], why: str = "", numpy: str | None = None, **values: Any
) -> Row:
    """A row at a special point, with the slopes that it must have there."""
    arrays = {n: np.asarray(v) for n, v in values.items()}
    return Row(peer, text, numpy or text, arrays, known, fixed=True, second=False, why=why)


# --- the language's functions in NumPy and SciPy -----------------------------------------------------


def _axes(x: Array, axis: Any) -> Any:
    return tuple(range(np.ndim(x))) if axis is None else axis


def _norm(x: Array, ord: int = 2, axis: Any = None, keepdims: bool = False) -> Array:
    absolute = np.abs(x)
    if ord == 1:
        return absolute.sum(axis=_axes(x, axis), keepdims=keepdims)
    return np.sqrt((absolute**2).sum(axis=_axes(x, axis), keepdims=keepdims))


def _normalised(x: Array, axis: Any, eps: float) -> Array:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)


def _batch_norm(x: Array, gamma: Array, beta: Array, mean: Any = None, var: Any = None) -> Array:
    shape = (-1, *(1,) * (x.ndim - 2))
    if mean is None:
        out = _normalised(x, (0, *range(2, x.ndim)), 1e-5)
    else:
        out = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + 1e-5)
    return out * gamma.reshape(shape) + beta.reshape(shape)


def _softmax(x: Array, axis: int = -1) -> Array:
    powers = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
    return powers / powers.sum(axis, keepdims=True)


def _cross_entropy(logits: Array, target: Array) -> Array:
    log_p = special.log_softmax(logits, axis=-1)
    if np.asarray(target).dtype.kind == "i":
        return -np.take_along_axis(log_p, np.asarray(target)[..., None], -1)[..., 0]
    return -(target * log_p).sum(-1)


def _stacked(function: Callable[..., Array]) -> Callable[..., Array]:
    """A function of one matrix and one right side, of each of a stack of them."""

    def stacked(A: Array, b: Array, **options: Any) -> Array:
        if A.ndim == 2 and b.ndim <= 2:
            return function(A, b, **options)
        batch = np.broadcast_shapes(A.shape[:-2], b.shape[:-2])
        A, b = np.broadcast_to(A, batch + A.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
        solved = [function(A[k], b[k], **options) for k in np.ndindex(batch)]
        return np.reshape(solved, batch + b.shape[-2:])

    return stacked


def _triangular(
    A: Array, b: Array, trans: int = 0, lower: bool = False, unit_diagonal: bool = False
) -> Array:
    triangle = np.tril(A) if lower else np.triu(A)
    if unit_diagonal:
        triangle = triangle - np.diag(np.diag(triangle)) + np.eye(len(A))
    return np.linalg.solve(triangle.T if trans else triangle, b)


def _windows(x: Array, kernel: Shape, stride: Any, padding: int, dilation: int, fill: float) -> Array:
    rim = [(0, 0)] * 2 + [(padding, padding)] * len(kernel)
    x = np.pad(x, rim, constant_values=fill)
    spans = tuple((k - 1) * dilation + 1 for k in kernel)
    seen = np.lib.stride_tricks.sliding_window_view(x, spans, tuple(range(2, 2 + len(kernel))))
    steps = [slice(None, None, s) for s in np.broadcast_to(stride, len(kernel))]
    inside = [slice(None, None, dilation)] * len(kernel)
    return seen[tuple([slice(None)] * 2 + steps + inside)]


def _conv2d(x: Array, w: Array, b: Any = None, stride: Any = 1, padding: int = 0, dilation: int = 1) -> Array:
    out = np.einsum("nchwij,ocij->nohw", _windows(x, w.shape[2:], stride, padding, dilation, 0.0), w)
    return out if b is None else out + b[:, None, None]


def _conv1d(x: Array, w: Array, b: Any = None, stride: Any = 1, padding: int = 0, dilation: int = 1) -> Array:
    out = np.einsum("nchi,oci->noh", _windows(x, w.shape[2:], stride, padding, dilation, 0.0), w)
    return out if b is None else out + b[:, None]


def _pool(over: Callable[..., Array], fill: float) -> Callable[..., Array]:
    def pool(x: Array, kernel: int, stride: int | None = None, padding: int = 0) -> Array:
        seen = _windows(x, (kernel,) * (x.ndim - 2), stride or kernel, padding, 1, fill)
        return over(seen, axis=tuple(range(x.ndim, seen.ndim)))

    return pool


def _variadic(function: Callable[..., Array]) -> Callable[..., Array]:
    """Sizes as a tuple or one by one."""

    def varied(x: Array, *sizes: Any) -> Array:
        if not sizes:
            return function(x)
        return function(x, sizes[0] if isinstance(sizes[0], (tuple, list)) else sizes)

    return varied


def _huber(prediction: Array, target: Array, delta: float = 1.0) -> Array:
    r = np.abs(prediction - target)
    return np.where(r <= delta, r * r / 2, delta * (r - delta / 2))


REFERENCE: dict[str, Any] = {
    **{name: value for name, value in vars(np).items() if not name.startswith("_")},
    "np_array": np.array,
    "true": True,
    "false": False,
    **{name: getattr(special, name) for name in (
        "erf", "erfc", "erfcx", "ndtr", "digamma", "polygamma", "xlogy", "xlog1py", "logsumexp", "logit", "rel_entr",
    )},
    "lgamma": special.gammaln,
    "trigamma": lambda x: special.polygamma(1, x),
    "lbeta": special.betaln,
    "sigmoid": special.expit,
    "log_sigmoid": special.log_expit,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x, slope=0.01: np.where(x > 0, x, slope * x),
    "prelu": lambda x, slope: np.where(x > 0, x, slope * x),
    "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0.0))),
    "silu": lambda x: x * special.expit(x),
    "gelu": lambda x: x * special.ndtr(x),
    "hardtanh": lambda x, lo=-1.0, hi=1.0: np.clip(x, lo, hi),
    "relu6": lambda x: np.clip(x, 0.0, 6.0),
    "log1mexp": lambda x: np.log(-np.expm1(-x)),
    "softmax": _softmax,
    "log_softmax": lambda x, axis=-1: x - special.logsumexp(x, axis=axis, keepdims=True) if x.size else x,
    "layer_norm": lambda x, g, b, axis=-1, eps=1e-5: _normalised(x, axis, eps) * g + b,
    "batch_norm": _batch_norm,
    "batch_moments": lambda x: (x.mean((0, *range(2, x.ndim))), x.var((0, *range(2, x.ndim)), ddof=1)),
    "norm": _norm,
    "cross_entropy": _cross_entropy,
    "binary_cross_entropy": lambda p, t: -(special.xlogy(t, p) + special.xlog1py(1 - t, -p)),
    "binary_cross_entropy_with_logits": lambda x, t: t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x),
    "mse": lambda p, t: ((p - t) ** 2).mean(),
    "mae": lambda p, t: np.abs(p - t).mean(),
    "huber": _huber,
    "hinge": lambda score, label: np.maximum(1 - label * score, 0.0),
    "kl_div": lambda p, q: special.rel_entr(p, q).sum(-1),
    "det": np.linalg.det,
    "logdet": lambda A: np.linalg.slogdet(A)[1],
    "slogdet": np.linalg.slogdet,
    "inv": np.linalg.inv,
    "solve": np.linalg.solve,
    "solve_triangular": _stacked(_triangular),
    "cholesky": lambda A, upper=False: np.linalg.cholesky(A).swapaxes(-1, -2) if upper else np.linalg.cholesky(A),
    "reshape": _variadic(np.reshape),
    "transpose": _variadic(np.transpose),
    "broadcast_to": _variadic(np.broadcast_to),
    "ones": lambda *shape: np.ones(shape),
    "one_hot": lambda labels, classes: np.eye(classes)[labels],
    "embedding": lambda table, index: table[index],
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "max_pool1d": _pool(np.max, -np.inf),
    "max_pool2d": _pool(np.max, -np.inf),
    "avg_pool1d": _pool(np.mean, 0.0),
    "avg_pool2d": _pool(np.mean, 0.0),
}  # fmt: skip
