"""The error function and its complements for NumPy alone: erf, erfc, erfcx, log_erfc.

>>> _erfc(np.array([-30.0, 0.5, 26.0])), _log_erfc_scalar(1e8)
(array([2.00000000e+000, 4.79500122e-001, 5.66319241e-296]), -1.0000000000000018e+16)

The interpreter computes with these functions, and they are copied into modules that need them. Rational
approximations on three intervals: W. J. Cody, Rational Chebyshev approximations for the error function,
Mathematics of Computation 23 (1969), 631-637.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray


def _by_interval(
    x: ndarray, edges: tuple[float, ...], branches: tuple[Callable[..., Any], ...], *others: ndarray
) -> ndarray:
    """Each branch on those elements of x that lie between its edges, in double precision."""
    dtype = np.result_type(x, *others)
    arrays = np.broadcast_arrays(x, *others) if others else [np.asarray(x)]
    parts = [array.ravel().astype(np.float64, copy=False) for array in arrays]
    out = np.empty(parts[0].shape)
    with np.errstate(all="ignore"):
        for start in range(0, len(out), 8192):  # what the cache holds
            block = [part[start : start + 8192] for part in parts]
            below: Any = False
            for edge, branch in zip((*edges, None), branches):
                below, before = edge is None or block[0] < edge, below
                mine = (below ^ before).nonzero()[0]
                if mine.size == block[0].size:
                    out[start : start + 8192] = branch(*block)
                elif mine.size:
                    out[start + mine] = branch(*(part[mine] for part in block))
        return out.reshape(arrays[0].shape).astype(dtype, copy=False)[()]


def _one_by_one(function: Callable[[float], float], x: ndarray) -> ndarray:
    """A function of Python floats on each element, in double precision: what is quickest for few."""
    values = np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size)
    return values.reshape(x.shape).astype(x.dtype, copy=False)[()]


def _polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, the highest power first, by Horner's rule."""
    total = coefficients[0] * x
    for coefficient in coefficients[1:-1]:
        total += coefficient
        total *= x
    total += coefficients[-1]
    return total


def _erf_near(x: Any) -> Any:
    """erf(x) for abs(x) up to 0.46875 (Cody 1969)."""
    above = (
        0.185777706184603153, 3.16112374387056560, 113.864154151050156, 377.485237685302021,
        3209.37758913846947,
    )  # fmt: skip
    below = (
        1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062,
    )  # fmt: skip
    return x * _polynomial(x * x, above) / _polynomial(x * x, below)


def _erfcx_middle(x: Any) -> Any:
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
    return _polynomial(x, above) / _polynomial(x, below)


def _erfcx_far(x: Any) -> Any:
    """exp(x**2) * erfc(x) from 4 on (Cody 1969)."""
    above = (
        0.0163153871373020978, 0.305326634961232344, 0.360344899949804439, 0.125781726111229246,
        0.0160837851487422766, 6.58749161529837803e-4,
    )  # fmt: skip
    below = (
        1.0, 2.56852019228982242, 1.87295284992346725, 0.527905102951428412, 0.0605183413124413191,
        0.00233520497626869185,
    )  # fmt: skip
    inverse = 1.0 / x
    t = inverse * inverse
    return inverse * (0.5641895835477563 - t * _polynomial(t, above) / _polynomial(t, below))


def _exp_of_square(x: ndarray, sign: float) -> ndarray:
    """exp(sign * x**2) without the rounding error of x**2, which grows with x."""
    x = np.clip(x, -30.0, 30.0)
    coarse = np.trunc(16.0 * x) / 16.0
    return np.exp(sign * coarse * coarse) * np.exp(sign * (x - coarse) * (x + coarse))


def _erfc_middle(x: ndarray) -> ndarray:
    """erfc(x) from 0.46875 to 4."""
    return _exp_of_square(x, -1.0) * _erfcx_middle(x)


def _erfc_far(x: ndarray) -> ndarray:
    """erfc(x) from 4 on."""
    return _exp_of_square(x, -1.0) * _erfcx_far(x)


def _erf(x: ndarray) -> ndarray:
    """The error function."""
    x = np.asarray(x)
    if x.size <= 2048:
        return _one_by_one(math.erf, x)
    branches = (_erf_near, lambda x: 1.0 - _erfc_middle(x), lambda x: 1.0 - _erfc_far(x))
    return np.copysign(_by_interval(np.abs(x), (0.46875, 4.0), branches), x)


def _erfc(x: ndarray) -> ndarray:
    """1 - erf(x), exact where that is small."""
    x = np.asarray(x)
    if x.size <= 2048:
        return _one_by_one(math.erfc, x)
    branches = (lambda x: 1.0 - _erf_near(x), _erfc_middle, _erfc_far)
    above = _by_interval(np.abs(x), (0.46875, 4.0), branches)
    return np.subtract(2.0, above, out=above, where=x < 0.0)


def _erfcx(x: ndarray) -> ndarray:
    """exp(x**2) * erfc(x)."""
    branches = (
        lambda x: np.full_like(x, np.inf),
        lambda x: 2.0 * _exp_of_square(x, 1.0) - _erfcx(-x),
        lambda x: np.exp(x * x) * (1.0 - _erf_near(x)),
        _erfcx_middle,
        _erfcx_far,
    )
    return _by_interval(x, (-26.7, -0.46875, 0.46875, 4.0), branches)


def _log_erfc(x: ndarray) -> ndarray:
    """log(erfc(x)), also where erfc(x) underflows."""
    branches = (
        lambda x: np.log(_erfc(x)),
        lambda x: np.log1p(-_erf_near(x)),
        lambda x: np.log(_erfc_middle(x)),
        lambda x: np.log(_erfcx(x)) - x * x,
    )
    return _by_interval(x, (-0.46875, 0.46875, 1.0), branches)


def _gelu(x: ndarray) -> ndarray:
    """x times the normal distribution function at x; the bound below makes 0 of it at -inf."""
    return np.maximum(x, -1e3) * (0.5 * _erfc(-0.7071067811865476 * x))


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
