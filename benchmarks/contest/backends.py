"""Each framework's own idioms under NumPy's names, so that an objective is written once.

>>> import numpy
>>> softplus_sum = lambda np, x: np.sum(np.softplus(x))
>>> round(float(softplus_sum(Numeric(), numpy.zeros(2))), 3)
1.386

What a namespace doesn't define is the framework's function of that name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy


class Namespace:
    """Falls back to the framework's own names."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def scan(self, step: Callable[..., Any], carry: Any, xs: Any, length: int | None = None) -> Any:
        """step(carry, x) -> (carry, y) for each x: the last carry, and the stacked y (None where it is)."""
        ys = []
        for t in range(len(xs) if length is None else length):
            carry, y = step(carry, None if xs is None else xs[t])
            ys.append(y)
        return carry, None if not ys or ys[0] is None else self.stack(ys)


class Numeric(Namespace):
    """NumPy alone, naive: one call an operation."""

    def __init__(self, library: Any = numpy) -> None:
        super().__init__(library)

    def sigmoid(self, x: Any) -> Any:
        return 1.0 / (1.0 + self.exp(-x))

    def softplus(self, x: Any) -> Any:
        return self.logaddexp(0.0, x)

    def relu(self, x: Any) -> Any:
        return self.maximum(x, 0.0)

    def logsumexp(self, x: Any, axis: int) -> Any:
        top = self.max(x, axis=axis, keepdims=True)
        return self.squeeze(top, axis) + self.log(self.sum(self.exp(x - top), axis=axis))

    def softmax(self, x: Any) -> Any:
        e = self.exp(x - self.max(x, axis=-1, keepdims=True))
        return e / self.sum(e, axis=-1, keepdims=True)

    def cross_entropy(self, logits: Any, y: Any) -> Any:
        return self.logsumexp(logits, -1) - logits[numpy.arange(len(y)), y]


class Autograd(Numeric):
    """autograd.numpy, and what autograd wraps of SciPy."""

    def __init__(self) -> None:
        import autograd.numpy
        import autograd.scipy.special
        from autograd.scipy.stats import norm

        super().__init__(autograd.numpy)
        self._special, self.ndtr = autograd.scipy.special, norm.cdf

    def sigmoid(self, x: Any) -> Any:
        return self._special.expit(x)

    def logsumexp(self, x: Any, axis: int) -> Any:
        return self._special.logsumexp(x, axis=axis)

    def lgamma(self, x: Any) -> Any:
        return self._special.gammaln(x)


class Jax(Namespace):
    """jax.numpy, jax.nn, jax.lax."""

    def __init__(self) -> None:
        import jax

        super().__init__(jax.numpy)
        self._jax = jax
        self.sigmoid, self.softplus, self.relu = jax.nn.sigmoid, jax.nn.softplus, jax.nn.relu
        self.softmax, self.lgamma, self.ndtr = jax.nn.softmax, jax.lax.lgamma, jax.scipy.special.ndtr

    def logsumexp(self, x: Any, axis: int) -> Any:
        return self._jax.scipy.special.logsumexp(x, axis=axis)

    def cross_entropy(self, logits: Any, y: Any) -> Any:
        return -self._jax.nn.log_softmax(logits)[self.arange(len(y)), y]

    def scan(self, step: Callable[..., Any], carry: Any, xs: Any, length: int | None = None) -> Any:
        return self._jax.lax.scan(step, carry, xs, length=length)

    def conv2d(self, x: Any, w: Any, b: Any, stride: int, padding: int) -> Any:
        pads = [(padding, padding)] * 2
        return self._jax.lax.conv_general_dilated(x, w, (stride, stride), pads) + b[:, None, None]

    def max_pool2d(self, x: Any, size: int) -> Any:
        window = (1, 1, size, size)
        return self._jax.lax.reduce_window(x, -self.inf, self._jax.lax.max, window, window, "VALID")


class Torch(Namespace):
    """torch and torch.nn.functional."""

    def __init__(self) -> None:
        import torch

        torch.set_default_dtype(torch.float64)
        super().__init__(torch)
        functional = torch.nn.functional
        self.softplus, self.relu, self.sigmoid = functional.softplus, functional.relu, torch.sigmoid
        self.ndtr, self.max_pool2d = torch.special.ndtr, functional.max_pool2d
        self.arctan2, self.concatenate = torch.atan2, torch.cat
        self._functional = functional

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._library.sum(x) if axis is None else self._library.sum(x, dim=axis, keepdim=keepdims)

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._library.mean(x) if axis is None else self._library.mean(x, dim=axis, keepdim=keepdims)

    def min(self, x: Any, axis: Any = None) -> Any:
        return self._library.amin(x, dim=axis)

    def logsumexp(self, x: Any, axis: int) -> Any:
        return self._library.logsumexp(x, dim=axis)

    def softmax(self, x: Any) -> Any:
        return self._library.softmax(x, dim=-1)

    def cross_entropy(self, logits: Any, y: Any) -> Any:
        return self._functional.cross_entropy(logits, y, reduction="none")

    def conv2d(self, x: Any, w: Any, b: Any, stride: int, padding: int) -> Any:
        return self._functional.conv2d(x, w, b, stride=stride, padding=padding)

    def asarray(self, x: Any) -> Any:
        return self._library.as_tensor(numpy.asarray(x))


class Casadi(Namespace):
    """Scalar symbols of CasADi."""

    def __init__(self) -> None:
        import casadi

        super().__init__(casadi)
        self.maximum, self.arctan, self.arctan2 = casadi.fmax, casadi.atan, casadi.atan2

    def ndtr(self, x: Any) -> Any:
        return 0.5 * (1 + self._library.erf(x / math.sqrt(2)))


class Sympy(Namespace):
    """SymPy's functions."""

    def __init__(self) -> None:
        import sympy

        super().__init__(sympy)
        self.arctan, self.arctan2 = sympy.atan, sympy.atan2

    def maximum(self, x: Any, y: Any) -> Any:
        return self._library.Piecewise((x, x > y), (y, True))

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        return self._library.Piecewise((yes, condition), (no, True))

    def ndtr(self, x: Any) -> Any:
        return (1 + self._library.erf(x / self._library.sqrt(2))) / 2
