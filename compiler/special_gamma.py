"""The gamma function's family for NumPy alone: lgamma, lbeta, digamma and its derivatives, on arrays.

>>> _lgamma(np.array([1e-300, 1.0 + 1e-10, 1e15])), _polygamma(1, np.array(1.0))
(array([ 6.90775528e+02, -5.77215665e-11,  3.35387764e+16]), 1.6449340668482264)

The interpreter computes with these functions, and they are copied into modules that need them; what
computes with Python floats is in special_scalar.py. The series are those of Abramowitz & Stegun, Handbook
of Mathematical Functions (1964), chapter 6; scripts/special_coefficients.py computes their coefficients.
From 8.5 on ten terms of the asymptotic series are exact; below, the recurrence leads there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from .special_error import _by_interval, _polynomial

# --- series, for arrays and for floats -----------------------------------------------------------------


def _lgamma_series(w: Any) -> Any:
    """lgamma(2 + w) for abs(w) up to 1/2 (after Abramowitz & Stegun 6.1.33)."""
    coefficients = (
        -1.3219945666117874e-07, 2.78740805211359e-07, -4.3252393445604814e-07,
        9.200527894968101e-07, -2.0439048107029907e-06, 4.38470440459836e-06,
        -9.438715099211532e-06, 2.0505590755833454e-05, -4.49263133791557e-05,
        9.945767355819498e-05, -0.00022315475400520507, 0.0005096695154115458,
        -0.0011927539118428156, 0.002890510331034267, -0.0073855510286719986,
        0.02058080842778038, -0.0673523010531981, 0.32246703342411326, 0.42278433509846713,
    )  # fmt: skip
    return w * _polynomial(w, coefficients)


def _stirling_tail(x: Any) -> Any:
    """lgamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) from 8.5 on (Abramowitz & Stegun 6.1.40)."""
    coefficients = (
        -1.3924322169059011, 0.17964437236883057, -0.029550653594771242, 0.00641025641025641,
        -0.0019175269175269176, 0.0008417508417508417, -0.0005952380952380953,
        0.0007936507936507937, -0.002777777777777778, 0.08333333333333333,
    )  # fmt: skip
    inverse = 1.0 / x
    return inverse * _polynomial(inverse * inverse, coefficients)


def _digamma_at_root(x: Any) -> Any:
    """digamma(x) from 1.2 to 1.8, by a polynomial about its zero, which takes two doubles."""
    coefficients = (
        0.00037430344712425324, -0.0008199691270861407, 0.0011327393686311408, -0.0015718560186554456,
        0.002297611017135611, -0.003369609513639812, 0.004927324411072092, -0.007204574083633974,
        0.010538768963831978, -0.015424763813616552, 0.02259764878884233, -0.033161126527719104,
        0.048804288156376836, -0.0721995612557935, 0.10782405069131762, -0.1639427054424101,
        0.25849976095565086, -0.4427631689835921, 0.9676722454476212,
    )  # fmt: skip
    away = (x - 1.4616321449683622) - 9.549995429965697e-17
    return away * _polynomial(away, coefficients)


def _digamma_tail(x: Any) -> Any:
    """log(x) - digamma(x) from 8.5 on (Abramowitz & Stegun 6.3.18)."""
    coefficients = (
        -26.456212121212122, 3.0539543302701198, -0.4432598039215686, 0.08333333333333333,
        -0.021092796092796094, 0.007575757575757576, -0.004166666666666667, 0.003968253968253968,
        -0.008333333333333333, 0.08333333333333333,
    )  # fmt: skip
    inverse = 1.0 / x
    t = inverse * inverse
    return 0.5 * inverse + t * _polynomial(t, coefficients)


def _polygamma_far(n: int, x: Any) -> Any:
    """The n-th derivative of digamma, but for its sign, from n + 8.5 on (Abramowitz & Stegun 6.4.11)."""
    bernoulli = (
        -529.1242424242424, 54.971177944862156, -7.092156862745098, 1.1666666666666667,
        -0.2531135531135531, 0.07575757575757576, -0.03333333333333333, 0.023809523809523808,
        -0.03333333333333333, 0.16666666666666666,
    )  # fmt: skip
    inverse = 1.0 / x
    terms = range(2 * len(bernoulli), 0, -2)
    series = [b * math.comb(n + k - 1, k) for b, k in zip(bernoulli, terms)]
    tail = 0.5 * n * inverse + _polynomial(inverse * inverse, (*series, 0.0))
    return math.factorial(n - 1) * inverse**n * (1.0 + tail)


# --- log gamma -------------------------------------------------------------------------------------------


def _lgamma(x: ndarray) -> ndarray:
    """log(abs(gamma(x)))."""
    branches = (
        _lgamma_reflected,
        _lgamma_near,
        lambda x: (x - 0.5) * (np.log(x) - 1.0) + 0.4189385332046727 + _stirling_tail(x),
    )
    return _by_interval(x, (0.0, 8.5), branches)


def _lgamma_reflected(x: ndarray) -> ndarray:
    """lgamma below 0; +inf at the poles."""
    sine = np.abs(np.sin(np.pi * (x - np.round(x))))
    return np.where(x == np.floor(x), np.inf, 1.1447298858494002 - np.log(sine) - _lgamma(1.0 - x))


def _lgamma_near(x: ndarray) -> ndarray:
    """lgamma from 0 to 8.5, by steps of 1 to the series about 2."""
    nearest = np.rint(x)
    w = x - nearest
    steps = np.arange(2.0, 8.0)[:, None]
    up = np.log(np.where(steps < nearest, w + steps, 1.0).prod(axis=0))
    down = np.where(nearest < 2.0, np.log1p(w), 0.0)
    down += np.where(nearest < 1.0, np.log(np.abs(w)), 0.0)
    return _lgamma_series(w) - down + up


def _lbeta(a: ndarray, b: ndarray) -> ndarray:
    """lgamma(a) + lgamma(b) - lgamma(a + b), exact where a or b is large (after Didonato & Morris 1992)."""
    branches = (
        _lbeta_small,
        lambda h, l: _by_interval(l, (0.0, 8.5), (_lbeta_small, _lbeta_one_large, _lbeta_large), h),
        lambda h, l: np.where(l > 0.0, -h, np.nan),
    )
    return _by_interval(np.maximum(a, b), (8.5, np.inf), branches, np.minimum(a, b))


def _lbeta_small(l: ndarray, h: ndarray) -> ndarray:
    """lbeta(l, h) by its definition."""
    of_l, of_h, of_sum = _lgamma(np.array([l, h, l + h]))
    return of_l + of_h - of_sum


def _lbeta_one_large(l: ndarray, h: ndarray) -> ndarray:
    """lbeta(l, h) for h from 8.5 on and l below."""
    tails = _stirling_tail(h) - _stirling_tail(h + l)
    return _lgamma(l) - (h - 0.5) * np.log1p(l / h) - l * (np.log(h + l) - 1.0) + tails


def _lbeta_large(l: ndarray, h: ndarray) -> ndarray:
    """lbeta(l, h) for h and l from 8.5 on."""
    tails = _stirling_tail(h) + _stirling_tail(l) - _stirling_tail(h + l)
    powers = l * np.log(l / (h + l)) - (h - 0.5) * np.log1p(l / h)
    return powers - 0.5 * np.log(l) + 0.9189385332046728 + tails


# --- digamma and its derivatives -------------------------------------------------------------------------


def _cot_pi(x: ndarray) -> ndarray:
    """cot(pi * x); NaN at its poles."""
    part = np.pi * (x - np.round(x))
    return np.where(part == 0.0, np.nan, np.cos(part) / np.sin(part))


def _digamma(x: ndarray) -> ndarray:
    """The derivative of lgamma."""
    branches = (
        lambda x: _digamma(1.0 - x) - np.pi * _cot_pi(x),
        _digamma_stepped,
        _digamma_at_root,
        _digamma_stepped,
        lambda x: np.log(x) - _digamma_tail(x),
    )
    return _by_interval(x, (0.0, 1.2, 1.8, 8.5), branches)


def _digamma_stepped(x: ndarray) -> ndarray:
    """digamma from 0 to 8.5, by steps of 1 up to the asymptotic series."""
    far = x + np.ceil(8.5 - x)
    steps = x + np.arange(8.0, 0.0, -1.0)[:, None]
    total = np.where(steps < far, 1.0 / steps, 0.0).sum(axis=0)
    return np.log(far) - (1.0 / x + (total + _digamma_tail(far)))


def _digamma_drop(a: ndarray, b: ndarray) -> ndarray:
    """digamma(a) - digamma(a + b), exact where b is small beside a."""
    branches = (lambda low, a, b: _digamma(a) - _digamma(a + b), _digamma_drop_positive)
    return _by_interval(np.minimum(a, a + b), (0.0,), branches, a, b)


def _digamma_drop_positive(low: ndarray, a: ndarray, b: ndarray) -> ndarray:
    """The same for positive a and a + b, the lower of them given, by steps of 1 up to the series."""
    steps = np.maximum(np.ceil(8.5 - low), 0.0)
    step = np.arange(8.0, -1.0, -1.0)[:, None]
    passed = np.where(step < steps, b / (a + b + step) / (a + step), 0.0).sum(axis=0)
    return _digamma_drop_far(a + steps, b) - passed


def _digamma_drop_far(a: Any, b: Any) -> Any:
    """digamma(a) - digamma(a + b) from 8.5 on: the asymptotic series of both, subtracted term by term."""
    coefficients = (
        -26.456212121212122, 3.0539543302701198, -0.4432598039215686, 0.08333333333333333,
        -0.021092796092796094, 0.007575757575757576, -0.004166666666666667, 0.003968253968253968,
        -0.008333333333333333, 0.08333333333333333,
    )  # fmt: skip
    ratio, powers, total = np.square(a / (a + b)), 0.0, 0.0
    for k, coefficient in enumerate(reversed(coefficients)):
        powers = powers * ratio + 1.0
        total += coefficient * powers / a ** (2 * k + 2)
    change = b / (a + b)
    return -np.log1p(b / a) - 0.5 * change / a - change * (1.0 + a / (a + b)) * total


def _polygamma(n: int, x: ndarray) -> ndarray:
    """The n-th derivative of digamma, n from 1 on."""
    sign = -1.0 if n % 2 == 0 else 1.0
    branches = (
        lambda x: -sign * _polygamma(n, 1.0 - x) - math.pi ** (n + 1) * _cot_derivative(n, _cot_pi(x)),
        lambda x: sign * _polygamma_stepped(n, x),
        lambda x: sign * _polygamma_far(n, x),
    )
    return _by_interval(x, (0.0, n + 8.5), branches)


def _polygamma_stepped(n: int, x: ndarray) -> ndarray:
    """The n-th derivative of digamma from 0 to n + 8.5, but for its sign, by steps of 1 up to the series."""
    far = x + np.ceil(n + 8.5 - x)
    total = np.zeros_like(x)
    for step in range(n + 8, -1, -1):
        total += np.where(x + step < far, 1.0 / (x + step) ** (n + 1), 0.0)
    return _polygamma_far(n, far) + math.factorial(n) * total


def _cot_derivative(n: int, cot: Any) -> Any:
    """The n-th derivative of cot, from cot itself: each is a polynomial in it."""
    polynomial = np.array([1.0, 0.0])
    for _ in range(n):
        polynomial = np.polymul(np.polyder(polynomial), [-1.0, 0.0, -1.0])
    return np.polyval(polynomial, cot)
