"""The error function and its complements for NumPy alone: erf, erfc, erfcx, log_erfc.

>>> _erfc(np.array([-30.0, 0.5, 26.0])), _log_erfc_scalar(1e8)
(array([2.00000000e+000, 4.79500122e-001, 5.66319241e-296]), -1.0000000000000018e+16)

The interpreter computes with these functions, and they are copied into modules that need them. Rational
approximations on three intervals: W. J. Cody, Rational Chebyshev approximations for the error function,
Mathematics of Computation 23 (1969), 631-637.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from .special_blocks import _begun, _by_interval, _in_blocks, _one_by_one, _polynomial

# --- the approximations, for arrays and for floats ------------------------------------------------------


def _erf_near(x: Any, out: ndarray | None = None, room: Any = (None, None)) -> Any:
    """erf(x) for abs(x) up to 0.46875 (Cody 1969)."""
    above = (
        0.185777706184603153, 3.16112374387056560, 113.864154151050156, 377.485237685302021,
        3209.37758913846947,
    )  # fmt: skip
    below = (
        1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062,
    )  # fmt: skip
    square, denominator = room[:2]
    square = _begun(x, square)
    square *= x
    value = _polynomial(square, above, out)
    value *= x
    value /= _polynomial(square, below, denominator)
    return value


def _erfcx_middle(x: Any, out: ndarray | None = None, room: Any = (None,)) -> Any:
    """exp(x**2) * erfc(x) from 0.46875 to 4 (Cody 1969)."""
    above = (
        2.15311535474403846e-8, 0.564188496988670089, 8.88314979438837594, 66.1191906371416295,
        298.635138197400131, 881.952221241769090, 1712.04761263407058, 2051.07837782607147,
        1230.33935479799725,
    )  # fmt: skip
    below = (
        1.0, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019,
        3290.79923573345963, 4362.61909014324716, 3439.36767414372164, 1230.33935480374942,
    )  # fmt: skip
    value = _polynomial(x, above, out)
    value /= _polynomial(x, below, room[0])
    return value


def _erfcx_far(x: Any, out: ndarray | None = None, room: Any = (None, None, None)) -> Any:
    """exp(x**2) * erfc(x) from 4 on (Cody 1969)."""
    above = (
        0.0163153871373020978, 0.305326634961232344, 0.360344899949804439, 0.125781726111229246,
        0.0160837851487422766, 6.58749161529837803e-4,
    )  # fmt: skip
    below = (
        1.0, 2.56852019228982242, 1.87295284992346725, 0.527905102951428412, 0.0605183413124413191,
        0.00233520497626869185,
    )  # fmt: skip
    inverse, t, denominator = room[:3]
    inverse = _begun(-1.0, inverse)
    inverse /= x
    t = _begun(inverse, t)
    t *= inverse
    value = _polynomial(t, above, out)
    value *= t
    value /= _polynomial(t, below, denominator)
    value -= 0.5641895835477563
    value *= inverse
    return value


# --- on blocks -----------------------------------------------------------------------------------------


def _exp_of_square(x: ndarray, sign: float, out: ndarray, room: ndarray) -> ndarray:
    """exp(sign * x**2) without the rounding error of x**2, which grows with x."""
    near, coarse = room[:2]
    np.minimum(x, 30.0, out=near)
    np.multiply(near, 16.0, coarse)
    np.trunc(coarse, coarse)
    coarse /= 16.0
    np.subtract(near, coarse, out)
    near += coarse
    out *= near
    out *= sign
    np.exp(out, out)
    coarse *= coarse
    coarse *= sign
    out *= np.exp(coarse, coarse)
    return out


def _erfc_middle(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """erfc(x) from 0.46875 to 4."""
    factor, room = room[0], room[1:]
    _erfcx_middle(x, out, room)
    out *= _exp_of_square(x, -1.0, factor, room)
    return out


def _erfc_far(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """erfc(x) from 4 on."""
    factor, room = room[0], room[1:]
    _erfcx_far(x, out, room)
    out *= _exp_of_square(x, -1.0, factor, room)
    return out


def _erf_block(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The error function."""
    size, room = room[0], room[1:]
    branches = (
        _erf_near,
        lambda x, out, room: np.subtract(1.0, _erfc_middle(x, out, room), out),
        lambda x, out, room: np.subtract(1.0, _erfc_far(x, out, room), out),
    )
    _by_interval(np.abs(x, size), (0.46875, 4.0), branches, out, room)
    return np.copysign(out, x, out)


def _erfc_block(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """1 - erf(x), exact where that is small."""
    if len(x) <= 2048:
        return _one_by_one(math.erfc, x, out)
    size, room = room[0], room[1:]
    branches = (
        lambda x, out, room: np.subtract(1.0, _erf_near(x, out, room), out),
        _erfc_middle,
        _erfc_far,
    )
    _by_interval(np.abs(x, size), (0.46875, 4.0), branches, out, room)
    below = np.less(x, 0.0, room[0].view(np.bool_)[: len(x)])
    np.putmask(out, below, np.subtract(2.0, out, size))
    return out


def _erfcx_block(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """exp(x**2) * erfc(x)."""
    branches = (
        lambda x, out, room: np.multiply(x, -np.inf, out),
        _erfcx_below,
        _erfcx_near,
        _erfcx_middle,
        _erfcx_far,
    )
    return _by_interval(x, (-26.7, -0.46875, 0.46875, 4.0), branches, out, room)


def _erfcx_below(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The same from -26.7 to -0.46875."""
    (above, other), room = room[:2], room[2:]
    _exp_of_square(x, 1.0, out, room)
    out *= 2.0
    out -= _erfcx_block(np.negative(x, above), other, room)
    return out


def _erfcx_near(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The same for abs(x) up to 0.46875."""
    square, room = room[0], room[1:]
    np.subtract(1.0, _erf_near(x, out, room), out)
    out *= np.exp(np.multiply(x, x, square), square)
    return out


def _log_erfc_block(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """log(erfc(x)), also where erfc(x) underflows."""
    branches = (
        lambda x, out, room: np.log(_erfc_block(x, out, room), out),
        lambda x, out, room: np.log1p(np.negative(_erf_near(x, out, room), out), out),
        lambda x, out, room: np.log(_erfc_middle(x, out, room), out),
        _log_erfc_above,
    )
    return _by_interval(x, (-0.46875, 0.46875, 1.0), branches, out, room)


def _log_erfc_above(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The same from 1 on."""
    square, room = room[0], room[1:]
    np.log(_erfcx_block(x, out, room), out)
    out -= np.multiply(x, x, square)
    return out


def _gelu_block(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The same, for a block."""
    other, room = room[0], room[1:]
    _erfc_block(np.multiply(x, -0.7071067811865476, other), out, room)
    out *= 0.5
    out *= np.maximum(x, -1e3, out=other)
    return out


# --- on arrays -----------------------------------------------------------------------------------------


def _erf(x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """The error function."""
    x = np.asarray(x)
    if x.size <= 2048:
        return _one_by_one(math.erf, x, out)
    with np.errstate(all="ignore"):
        return _in_blocks(_erf_block, x, out=out, scratch=scratch, rows=12)


def _erfc(x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """1 - erf(x), exact where that is small."""
    x = np.asarray(x)
    if x.size <= 2048:
        return _one_by_one(math.erfc, x, out)
    with np.errstate(all="ignore"):
        return _in_blocks(_erfc_block, x, out=out, scratch=scratch, rows=12)


def _erfcx(x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """exp(x**2) * erfc(x)."""
    with np.errstate(all="ignore"):
        return _in_blocks(_erfcx_block, x, out=out, scratch=scratch, rows=16)


def _log_erfc(x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """log(erfc(x)), also where erfc(x) underflows."""
    with np.errstate(all="ignore"):
        return _in_blocks(_log_erfc_block, x, out=out, scratch=scratch, rows=20)


def _gelu(x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """x times the normal distribution function at x; the bound below makes 0 of it at -inf."""
    if np.size(x) <= 256:
        return np.multiply(np.maximum(x, -1e3), 0.5 * _erfc(-0.7071067811865476 * x), out)
    with np.errstate(all="ignore"):
        return _in_blocks(_gelu_block, x, out=out, scratch=scratch, rows=14)


# --- on floats -----------------------------------------------------------------------------------------


def _erfcx_scalar(x: float) -> float:
    """exp(x**2) * erfc(x)."""
    if x > 0.46875:
        return float(_erfcx_middle(x) if x < 4.0 else _erfcx_far(x))
    if x > -0.46875:
        return float(math.exp(x * x) * (1.0 - _erf_near(x)))
    if not x > -26.7:
        return math.inf if x == x else x
    coarse = math.trunc(16.0 * x) / 16.0
    square = math.exp(coarse * coarse) * math.exp((x - coarse) * (x + coarse))
    return 2.0 * square - _erfcx_scalar(-x)


def _log_erfc_scalar(x: float) -> float:
    """log(erfc(x)), also where erfc(x) underflows."""
    if x <= 1.0:
        return math.log1p(-math.erf(x)) if x > -0.46875 else math.log(math.erfc(x))
    return math.log(_erfcx_scalar(x)) - x * x if x < math.inf else -x
