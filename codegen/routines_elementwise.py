"""Routines on arrays, element by element: formulas that are right at both ends without a warning.

>>> _sigmoid(np.array([-800.0, 0.0, 800.0]))
array([0. , 0.5, 1. ])
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import Context, copy_context
from functools import partial
from typing import Any

import numpy as np
from numpy import ndarray

_1 = np.array(1.0)
_QUIET = Context() if int(np.__version__.partition(".")[0]) > 1 else None
if _QUIET is not None:
    _QUIET.run(np.seterr, over="ignore")


def _quietly() -> Callable[[], AbstractContextManager[Any]]:
    """np.errstate(all="ignore"), in a third of its time: NumPy 2 has a variable for what it warns of."""
    if int(np.__version__.partition(".")[0]) < 2:
        return partial(np.errstate, all="ignore")
    context = Context()
    context.run(np.seterr, all="ignore")
    ((errors, ignored),) = context.items()
    usual = Context().run(errors.get)

    def changed() -> Any:
        np.seterr(all="ignore")
        return errors.get()

    class Quiet:
        def __enter__(self) -> None:
            is_usual = errors.get() is usual  # or a caller has changed it, or NumPy's buffers
            self.before = errors.set(ignored if is_usual else copy_context().run(changed))

        def __exit__(self, *_: object) -> None:
            errors.reset(self.before)

    return Quiet


def _sigmoid(x: ndarray, out: ndarray | None = None) -> ndarray:
    """1 / (1 + exp(-x)); where exp overflows 0 is right."""
    z = np.negative(x, out=out)
    with np.errstate(over="ignore"):
        np.exp(z, out=z)
    z += 1.0
    return np.reciprocal(z, out=z)


def _logistic(x: ndarray, out: ndarray | None = None) -> ndarray:
    """1 / (1 + exp(-x)); where exp overflows 0 is right."""
    z = np.negative(x, out=out)
    if _QUIET is None:
        with np.errstate(over="ignore"):
            np.exp(z, out=z)
    else:
        _QUIET.copy().run(np.exp, z, z)  # takes a third of the time of np.errstate
    z += _1
    return np.reciprocal(z, out=z)


def _masked(x: ndarray, y: ndarray, out: ndarray | None = None) -> ndarray:
    """x, but 0 where y is 0: there x, which is y times something, is 0 already or NaN."""
    if out is not x:
        out = np.positive(x, out=out)
    largest = np.maximum.reduce(out, axis=None, initial=-np.inf)
    if largest != largest:  # NaN, if there is one
        np.copyto(out, 0.0, where=y == 0.0)
    return out


def _nonnegative(x: ndarray, out: ndarray | None = None) -> ndarray:
    """x from 0 on (of -0.0 the 0.0), NaN below: where log and its like have a slope."""
    if np.fmin.reduce(x, axis=None, initial=0.0) < 0.0:
        x = np.where(x < 0.0, np.nan, x)
    return np.abs(x, out=out)


def _divide_or_zero(x: ndarray, y: ndarray, out: ndarray | None = None) -> ndarray:
    """x / y, and 0 where y is 0."""
    if np.all(y):
        return np.divide(x, y, out=out)
    zero = np.equal(y, 0.0)
    ratio = np.asarray(np.divide(x, np.where(zero, 1.0, y), out=out))
    np.copyto(ratio, 0.0, where=zero)
    return ratio


def _silu(x: ndarray) -> ndarray:
    """x * sigmoid(x); the bound below makes 0 of it at -inf."""
    return np.maximum(x, -1e3) * _sigmoid(x)


def _gelu_tanh(x: ndarray) -> ndarray:
    """x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x**3)), which is gelu by its tanh formula."""
    near = np.clip(x, -1e3, 1e3)
    near += 0.044715 * near * near * near
    return np.maximum(x, -1e3) * _sigmoid(1.5957691216057308 * near)


def _log_weight(a: ndarray, b: ndarray) -> ndarray:
    """exp(a) / (exp(a) + exp(b)); at infinities that are equal one half for +inf, 0 for -inf."""
    with np.errstate(invalid="ignore"):
        gap = np.asarray(a - b)
    same = np.equal(a, b)
    return np.where(same & np.equal(a, -np.inf), 0.0, _sigmoid(np.where(same, 0.0, gap)))


def _xlogy(x: ndarray, y: ndarray) -> ndarray:
    """x * log(y), 0 where x is 0."""
    return x * np.log(np.where(np.equal(x, 0.0) & ~np.isnan(y), 1.0, y))


def _xlog1py(x: ndarray, y: ndarray) -> ndarray:
    """x * log(1 + y), 0 where x is 0."""
    return x * np.log1p(np.where(np.equal(x, 0.0) & ~np.isnan(y), 0.0, y))


def _log1mexp(x: ndarray) -> ndarray:
    """log(1 - exp(-x)), exact at both ends."""
    small = np.log(-np.expm1(-np.minimum(x, 0.6931471805599453)))
    large = np.log1p(-np.exp(-np.maximum(x, 0.6931471805599453)))
    return np.where(x < 0.6931471805599453, small, large)


def _logit(p: ndarray) -> ndarray:
    """log(p / (1 - p)), exact near one half."""
    middle = (p > 0.25) & (p < 0.65)
    near = np.where(middle, p, 0.5)
    return np.where(middle, np.log1p((2.0 * near - 1.0) / (1.0 - near)), np.log(p) - np.log1p(-p))


def _rel_entr(p: ndarray, q: ndarray) -> ndarray:
    """p * log(p / q) whatever the sizes of p and q; 0 where p is 0."""
    with np.errstate(all="ignore"):
        gap = (p - q) / q
        ratio = np.divide(p, q)
        usual = (ratio > np.finfo(ratio.dtype).tiny) & np.isfinite(ratio)
        far = np.where(usual, p * np.log(ratio), p * (np.log(p) - np.log(q)))
        terms = np.where(np.abs(gap) < 0.5, p * np.log1p(gap), far)
    return np.where(np.equal(p, 0.0) & (q >= 0.0), 0.0, terms)


def _bce_with_logits(x: ndarray, t: ndarray) -> ndarray:
    """-t * log(sigmoid(x)) - (1 - t) * log(sigmoid(-x)) without overflow."""
    below = t * np.where(np.equal(t, 0.0), 0.0, np.maximum(-x, 0.0))
    above = (1.0 - t) * np.where(np.equal(t, 1.0), 0.0, np.maximum(x, 0.0))
    return below + above + np.log1p(np.exp(-np.abs(x)))
