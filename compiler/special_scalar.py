"""The gamma function's family on Python floats.

>>> _lgamma_scalar(0.5), _digamma_scalar(1.0), _lbeta_scalar(1e12, 2.0)
(0.5723649429247001, -0.5772156649015329, -55.262042231857)

The same formulas as in special_gamma.py, whose series they share.
"""

from __future__ import annotations

import math

import numpy as np

from .special_gamma import (
    _digamma_at_root,
    _digamma_drop_far,
    _digamma_tail,
    _lgamma_series,
    _polygamma,
    _polygamma_far,
    _stirling_tail,
)


def _lgamma_scalar(x: float) -> float:
    """log(abs(gamma(x)))."""
    if x <= 0.0 or x == math.inf:
        return _lgamma_reflected_scalar(x)
    if x < 0.5:
        return float(_lgamma_series(x) - math.log1p(x) - math.log(x))
    if x < 1.5:
        return float(_lgamma_series(x - 1.0) - math.log1p(x - 1.0))
    if not x < 8.5:
        return float((x - 0.5) * (math.log(x) - 1.0) + 0.4189385332046727 + _stirling_tail(x))
    product = 1.0
    while x >= 2.5:
        x -= 1.0
        product *= x
    return float(_lgamma_series(x - 2.0) + math.log(product))


def _lgamma_reflected_scalar(x: float) -> float:
    """lgamma below 0, and where it is infinite."""
    if math.isinf(x) or x == math.floor(x):
        return math.inf
    sine = math.sin(math.pi * (x - round(x)))
    return 1.1447298858494002 - math.log(abs(sine)) - _lgamma_scalar(1.0 - x)


def _lbeta_scalar(a: float, b: float) -> float:
    """lgamma(a) + lgamma(b) - lgamma(a + b), exact where a or b is large (after Didonato & Morris 1992)."""
    if math.isnan(a + b):
        return math.nan
    l, h = min(a, b), max(a, b)
    if h == math.inf:
        return -h if l > 0.0 else math.nan
    if not (l >= 0.0 and h >= 8.5):
        return _lgamma_scalar(l) + _lgamma_scalar(h) - _lgamma_scalar(l + h)
    tails = float(_stirling_tail(h) - _stirling_tail(h + l))
    common = tails - (h - 0.5) * math.log1p(l / h)
    if l < 8.5:
        return _lgamma_scalar(l) + (common - l * (math.log(h + l) - 1.0))
    powers = l * math.log(l / (h + l)) - 0.5 * math.log(l)
    return powers + 0.9189385332046728 + float(_stirling_tail(l)) + common


def _cot_pi_scalar(x: float) -> float:
    """cot(pi * x); NaN at its poles."""
    part = math.pi * (x - round(x)) if math.isfinite(x) else 0.0
    return math.cos(part) / math.sin(part) if part else math.nan


def _digamma_scalar(x: float) -> float:
    """The derivative of lgamma."""
    if x < 0.0:
        return _digamma_scalar(1.0 - x) - math.pi * _cot_pi_scalar(x)
    if x == 0.0:
        return -math.copysign(math.inf, x)
    if 1.2 <= x < 1.8:
        return float(_digamma_at_root(x))
    steps = max(math.ceil(8.5 - x), 0) if x < 8.5 else 0
    total = sum(1.0 / (x + step) for step in range(steps - 1, -1, -1))
    return math.log(x + steps) - (total + float(_digamma_tail(x + steps)))


def _digamma_drop_scalar(a: float, b: float) -> float:
    """digamma(a) - digamma(a + b), exact where b is small beside a."""
    low = min(a, a + b)
    if not low > 0.0:
        return _digamma_scalar(a) - _digamma_scalar(a + b)
    steps = math.ceil(8.5 - low) if low < 8.5 else 0
    drop = sum(b / (a + b + step) / (a + step) for step in range(steps - 1, -1, -1))
    return float(_digamma_drop_far(a + steps, b)) - drop


def _polygamma_scalar(n: int, x: float) -> float:
    """The n-th derivative of digamma, n from 1 on."""
    if not 1e-9 < x < math.inf:
        return float(_polygamma(n, np.float64(x)))
    steps = math.ceil(n + 8.5 - x) if x < n + 8.5 else 0
    total = sum(1.0 / (x + step) ** (n + 1) for step in range(steps - 1, -1, -1))
    size = float(_polygamma_far(n, x + steps)) + math.factorial(n) * total
    return size if n % 2 else -size
