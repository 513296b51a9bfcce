"""Routines on arrays, element by element: formulas that are right at both ends without a warning.

>>> _sigmoid(np.array([-800.0, 0.0, 800.0]))
array([0. , 0.5, 1. ])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import Context
from functools import partial
from typing import Any

import numpy as np
from numpy import ndarray

from .routines_blocks import _by_element, _masks
from .routines_memory import _room, _switch

_1 = np.array(1.0)
_QUIET = Context() if int(np.__version__.partition(".")[0]) > 1 else None
if _QUIET is not None:
    _QUIET.run(np.seterr, over="ignore")


def _quietly() -> Callable[[], AbstractContextManager[Any]]:
    """np.errstate(all="ignore"), in a third of its time."""
    hush, unhush = _switch(partial(np.seterr, all="ignore"), lambda errors: np.seterr(**errors))

    class Quiet:
        def __enter__(self) -> None:
            self.before = hush()

        def __exit__(self, *_: object) -> None:
            unhush(self.before)

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


def _divide_or_zero(
    x: ndarray, y: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """x / y, and 0 where y is 0."""
    if np.all(y):
        return np.divide(x, y, out=out)
    marks = None if scratch is None else _room(scratch, "marks", np.shape(y), np.bool_)
    nonzero = np.asarray(np.not_equal(y, 0.0, out=marks))
    if out is None:
        out = np.zeros(np.broadcast_shapes(np.shape(x), nonzero.shape), y.dtype)
        return np.divide(x, y, out=out, where=nonzero)
    np.divide(x, y, out=out, where=nonzero)
    np.copyto(out, 0.0, where=np.logical_not(nonzero, out=nonzero))
    return out


# --- in memory that is given, or that NumPy makes where `out` and `room` are None ------------------------


def _silu(x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """x * sigmoid(x); the bound below makes 0 of it at -inf."""
    return _by_element(_silu_of, x, out=out, scratch=scratch, rows=2)


def _silu_of(x: ndarray, out: ndarray | None, room: Sequence[Any]) -> ndarray:
    """The same, in given memory."""
    value = _sigmoid(x, out)
    value *= np.maximum(x, -1e3, out=room[0])
    return value


def _gelu_tanh(x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x**3)), which is gelu by its tanh formula."""
    return _by_element(_gelu_tanh_of, x, out=out, scratch=scratch, rows=2)


def _gelu_tanh_of(x: ndarray, out: ndarray | None, room: Sequence[Any]) -> ndarray:
    """The same, in given memory."""
    near = np.clip(x, -1e3, 1e3, out=room[0])
    value = np.multiply(near, 0.044715, out)
    value *= near
    value *= near
    value += near
    value *= 1.5957691216057308
    _sigmoid(value, value)
    value *= np.maximum(x, -1e3, out=near)
    return value


def _log_weight(
    a: ndarray, b: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """exp(a) / (exp(a) + exp(b)); at infinities that are equal one half for +inf, 0 for -inf."""
    return _by_element(_log_weight_of, a, b, out=out, scratch=scratch, rows=2)


def _log_weight_of(a: ndarray, b: ndarray, out: ndarray | None, room: Sequence[Any]) -> ndarray:
    """The same, in given memory."""
    marks, others = _masks(room[0])
    with np.errstate(invalid="ignore"):
        value = np.subtract(a, b, out)
    same = np.equal(a, b, marks)
    np.putmask(value, same, 0.0)
    _sigmoid(value, value)
    same &= np.equal(a, -np.inf, others)
    np.putmask(value, same, 0.0)
    return value


def _xlogy(
    x: ndarray, y: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """x * log(y), 0 where x is 0."""
    return _by_element(_xlogy_of, x, y, out=out, scratch=scratch, rows=2)


def _xlogy_of(x: ndarray, y: ndarray, out: ndarray | None, room: Sequence[Any]) -> ndarray:
    """The same, in given memory."""
    value = _spared(x, y, 1.0, out, room)
    np.log(value, value)
    value *= x
    return value


def _xlog1py(
    x: ndarray, y: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """x * log(1 + y), 0 where x is 0."""
    return _by_element(_xlog1py_of, x, y, out=out, scratch=scratch, rows=2)


def _xlog1py_of(x: ndarray, y: ndarray, out: ndarray | None, room: Sequence[Any]) -> ndarray:
    """The same, in given memory."""
    value = _spared(x, y, 0.0, out, room)
    np.log1p(value, value)
    value *= x
    return value


def _spared(x: ndarray, y: ndarray, other: float, out: ndarray | None, room: Sequence[Any]) -> ndarray:
    """y, but another number where x is 0 and y is not NaN."""
    marks, others = _masks(room[0])
    spared = np.equal(x, 0.0, marks)
    spared &= np.equal(y, y, others)
    value = np.positive(y, out)
    np.putmask(value, spared, other)
    return value


def _log1mexp(x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """log(1 - exp(-x)), exact at both ends."""
    return _by_element(_log1mexp_of, x, out=out, scratch=scratch, rows=3)


def _log1mexp_of(x: ndarray, out: ndarray | None, room: Sequence[Any]) -> ndarray:
    """The same, in given memory."""
    marks, _ = _masks(room[1])
    value = np.maximum(x, 0.6931471805599453, out=out)
    np.negative(value, value)
    np.exp(value, value)
    np.negative(value, value)
    np.log1p(value, value)
    small = np.minimum(x, 0.6931471805599453, out=room[0])
    np.negative(small, small)
    np.expm1(small, small)
    np.negative(small, small)
    np.log(small, small)
    np.putmask(value, np.less(x, 0.6931471805599453, marks), small)
    return value


def _logit(p: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """log(p / (1 - p)), exact near one half."""
    return _by_element(_logit_of, p, out=out, scratch=scratch, rows=4)


def _logit_of(p: ndarray, out: ndarray | None, room: Sequence[Any]) -> ndarray:
    """The same, in given memory."""
    marks, others = _masks(room[2])
    near = np.clip(p, 0.25, 0.65, out=room[0])
    rest = np.subtract(1.0, near, room[1])
    near *= 2.0
    near -= 1.0
    near /= rest
    np.log1p(near, near)
    value = np.log(p, out)
    np.negative(p, rest)
    value -= np.log1p(rest, rest)
    middle = np.less(p, 0.65, marks)
    middle &= np.greater(p, 0.25, others)
    np.putmask(value, middle, near)
    return value


def _rel_entr(
    p: ndarray, q: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """p * log(p / q) whatever the sizes of p and q; 0 where p is 0."""
    with np.errstate(all="ignore"):
        return _by_element(_rel_entr_of, p, q, out=out, scratch=scratch, rows=4)


def _rel_entr_of(p: ndarray, q: ndarray, out: ndarray | None, room: Sequence[Any]) -> ndarray:
    """The same, in given memory."""
    marks, others = _masks(room[2])
    value = np.log(p, out)
    part = np.log(q, room[0])
    value -= part
    ratio = np.divide(p, q, room[1])
    usual = np.isfinite(ratio, marks)
    usual &= np.greater(ratio, np.finfo(ratio.dtype).tiny, others)
    np.putmask(value, usual, np.log(ratio, ratio))
    gap = np.subtract(p, q, ratio)
    gap /= q
    near = np.less(np.abs(gap, part), 0.5, marks)
    np.putmask(value, near, np.log1p(gap, gap))
    value *= p
    none = np.equal(p, 0.0, marks)
    none &= np.greater_equal(q, 0.0, others)
    np.putmask(value, none, 0.0)
    return value


def _bce_with_logits(
    x: ndarray, t: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """-t * log(sigmoid(x)) - (1 - t) * log(sigmoid(-x)) without overflow."""
    return _by_element(_bce_with_logits_of, x, t, out=out, scratch=scratch, rows=4)


def _bce_with_logits_of(x: ndarray, t: ndarray, out: ndarray | None, room: Sequence[Any]) -> ndarray:
    """The same, in given memory."""
    marks, others = _masks(room[2])
    value = np.negative(x, out)
    np.maximum(value, 0.0, out=value)
    np.putmask(value, np.equal(t, 0.0, marks), 0.0)
    value *= t
    above = np.maximum(x, 0.0, out=room[0])
    np.putmask(above, np.equal(t, 1.0, others), 0.0)
    above *= np.subtract(1.0, t, room[1])
    value += above
    np.abs(x, above)
    np.negative(above, above)
    np.exp(above, above)
    value += np.log1p(above, above)
    return value
