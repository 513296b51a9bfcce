"""Routines on Python floats: `math` with the results of IEEE 754 in the place of exceptions.

>>> _div(1.0, 0.0), _exp(1000.0), _log(0.0), _pow(-8.0, 0.5)
(inf, inf, -inf, nan)
"""

from __future__ import annotations

import math

import numpy as np


def _div(x: float, y: float) -> float:
    """x / y; infinite or NaN where y is 0."""
    if y:
        return x / y
    if x == 0.0 or x != x:
        return math.nan
    return math.copysign(math.inf, x) * math.copysign(1.0, y)


def _floordiv(x: float, y: float) -> float:
    """x // y; infinite or NaN where y is 0."""
    return x // y if y else _div(x, y)


def _mod(x: float, y: float) -> float:
    """x % y; NaN where y is 0."""
    return x % y if y else math.nan


def _sign(x: float) -> float:
    """-1, 0 or 1; NaN for NaN."""
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else x


def _floor(x: float) -> float:
    """The largest integer not above x, as a float."""
    return float(math.floor(x)) if math.isfinite(x) else x


def _ceil(x: float) -> float:
    """The smallest integer not below x, as a float."""
    return float(math.ceil(x)) if math.isfinite(x) else x


def _round(x: float) -> float:
    """The nearest integer, ties to even, as a float."""
    return float(round(x)) if math.isfinite(x) else x


def _pow(x: float, y: float) -> float:
    """x ** y; infinite at a pole or on overflow, NaN where the result is not real."""
    try:
        return math.pow(x, y)
    except (OverflowError, ValueError):
        if x < 0.0 and y % 1.0:
            return math.nan
        return -math.inf if y % 2.0 == 1.0 and math.copysign(1.0, x) < 0.0 else math.inf


def _sqrt(x: float) -> float:
    """The square root; NaN below 0."""
    return math.sqrt(x) if x >= 0.0 else math.nan


def _cbrt(x: float) -> float:
    """The real cube root."""
    return float(np.cbrt(x))


def _nonnegative_scalar(x: float) -> float:
    """x from 0 on (of -0.0 the 0.0), NaN below: where log and its like have a slope."""
    return abs(x) if x >= 0.0 else math.nan


def _exp(x: float) -> float:
    """e to the power x; inf on overflow."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _expm1(x: float) -> float:
    """exp(x) - 1; inf on overflow."""
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


def _log(x: float) -> float:
    """The natural logarithm; -inf at 0, NaN below."""
    return math.log(x) if x > 0.0 else -math.inf if x == 0.0 else math.nan


def _log2(x: float) -> float:
    """The logarithm to base 2; -inf at 0, NaN below."""
    return math.log2(x) if x > 0.0 else -math.inf if x == 0.0 else math.nan


def _log10(x: float) -> float:
    """The logarithm to base 10; -inf at 0, NaN below."""
    return math.log10(x) if x > 0.0 else -math.inf if x == 0.0 else math.nan


def _log1p(x: float) -> float:
    """log(1 + x); -inf at -1, NaN below."""
    return math.log1p(x) if x > -1.0 else -math.inf if x == -1.0 else math.nan


def _sin(x: float) -> float:
    """The sine; NaN at infinity."""
    try:
        return math.sin(x)
    except ValueError:
        return math.nan


def _cos(x: float) -> float:
    """The cosine; NaN at infinity."""
    try:
        return math.cos(x)
    except ValueError:
        return math.nan


def _tan(x: float) -> float:
    """The tangent; NaN at infinity."""
    try:
        return math.tan(x)
    except ValueError:
        return math.nan


def _sinh(x: float) -> float:
    """The hyperbolic sine; infinite on overflow."""
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(math.inf, x)


def _cosh(x: float) -> float:
    """The hyperbolic cosine; inf on overflow."""
    try:
        return math.cosh(x)
    except OverflowError:
        return math.inf


def _asin(x: float) -> float:
    """The inverse sine; NaN outside [-1, 1]."""
    return math.asin(x) if -1.0 <= x <= 1.0 else math.nan


def _acos(x: float) -> float:
    """The inverse cosine; NaN outside [-1, 1]."""
    return math.acos(x) if -1.0 <= x <= 1.0 else math.nan


def _acosh(x: float) -> float:
    """The inverse hyperbolic cosine; NaN below 1."""
    return math.acosh(x) if x >= 1.0 else math.nan


def _atanh(x: float) -> float:
    """The inverse hyperbolic tangent; infinite at -1 and 1, NaN outside."""
    if -1.0 < x < 1.0:
        return math.atanh(x)
    return math.copysign(math.inf, x) if abs(x) == 1.0 else math.nan


def _logaddexp(a: float, b: float) -> float:
    """log(exp(a) + exp(b)) without overflow."""
    if a == b:
        return a + math.log(2.0)
    low, high = (b, a) if a > b else (a, b)
    return high + math.log1p(math.exp(low - high))


def _log_weight_scalar(a: float, b: float) -> float:
    """exp(a) / (exp(a) + exp(b)); at infinities that are equal one half for +inf, 0 for -inf."""
    if a == b:
        return 0.0 if a == -math.inf else 0.5
    return _sigmoid_scalar(a - b)


def _xlogy_scalar(x: float, y: float) -> float:
    """x * log(y), 0 where x is 0."""
    return 0.0 if x == 0.0 and y == y else x * _log(y)


def _xlog1py_scalar(x: float, y: float) -> float:
    """x * log(1 + y), 0 where x is 0."""
    return 0.0 if x == 0.0 and y == y else x * _log1p(y)


def _sigmoid_scalar(x: float) -> float:
    """1 / (1 + exp(-x)) without overflow."""
    try:
        return 1.0 / (1.0 + math.exp(-x))
    except OverflowError:
        return math.exp(x)


def _silu_scalar(x: float) -> float:
    """x * sigmoid(x), 0 at -inf."""
    return -0.0 if x == -math.inf else x * _sigmoid_scalar(x)


def _gelu_tanh_scalar(x: float) -> float:
    """x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x**3)), which is gelu by its tanh formula."""
    if x < -1e3:
        return -0.0
    return x * _sigmoid_scalar(1.5957691216057308 * (x + 0.044715 * x * x * x))


def _log1mexp_scalar(x: float) -> float:
    """log(1 - exp(-x)), exact at both ends."""
    if x < 0.6931471805599453:
        return _log(-_expm1(-x))
    return math.log1p(-math.exp(-x))


def _logit_scalar(p: float) -> float:
    """log(p / (1 - p)), exact near one half."""
    if 0.25 < p < 0.65:
        return math.log1p((2.0 * p - 1.0) / (1.0 - p))
    return _log(p) - _log1p(-p)


def _rel_entr_scalar(p: float, q: float) -> float:
    """p * log(p / q) whatever the sizes of p and q; 0 where p is 0."""
    if p == 0.0 and q >= 0.0:
        return 0.0
    gap, ratio = _div(p - q, q), _div(p, q)
    if abs(gap) < 0.5:
        return p * math.log1p(gap)
    return p * _log(ratio) if 1e-300 < ratio < 1e300 else p * (_log(p) - _log(q))


def _bce_with_logits_scalar(x: float, t: float) -> float:
    """-t * log(sigmoid(x)) - (1 - t) * log(sigmoid(-x)) without overflow."""
    if t == 0.0 or t == 1.0:
        linear = max(x, 0.0) if t == 0.0 else max(-x, 0.0)
    else:
        linear = t * max(-x, 0.0) + (1.0 - t) * max(x, 0.0)
    return linear + math.log1p(math.exp(-abs(x)))
