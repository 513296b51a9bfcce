"""Interval arithmetic for the `bounds` of ops: closed intervals that hold every value that is not NaN.

>>> add_bounds((0.0, 1.0), (2.0, INF))
(2.0, inf)

Rounding is monotone for correctly rounded operations, so the end points may be computed as they are; the
ends of library functions are widened by a few units in the last place.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor, inf, isfinite, isnan
from typing import Any

import numpy as np

from ..ir import Interval

INF = inf
REALS: Interval = (-inf, inf)
UNIT: Interval = (0.0, 1.0)
SLACK = 4e-15


def _at(function: Callable[..., Any], *point: float) -> float:
    with np.errstate(all="ignore"):
        return float(function(*(np.float64(p) for p in point)))


def _widened(low: float, high: float, within: Interval, slack: float = SLACK) -> Interval:
    low = -inf if isnan(low) else low - abs(low) * slack if isfinite(low) else low
    high = inf if isnan(high) else high + abs(high) * slack if isfinite(high) else high
    return max(low, within[0]), min(high, within[1])


def increasing(
    function: Callable[..., Any], within: Interval = REALS, domain: Interval = REALS, slack: float = SLACK
) -> Callable[[Interval], Interval]:
    """The bounds rule of an increasing function whose values lie in `within`.

    `slack` 0 is for functions that are correctly rounded.
    """

    def bounds(x: Interval) -> Interval:
        low, high = clamp(x, domain)
        return _widened(_at(function, low), _at(function, high), within, slack)

    return bounds


def decreasing(
    function: Callable[..., Any], within: Interval = REALS, domain: Interval = REALS
) -> Callable[[Interval], Interval]:
    """The bounds rule of a decreasing function whose values lie in `within`."""

    def bounds(x: Interval) -> Interval:
        low, high = clamp(x, domain)
        return _widened(_at(function, high), _at(function, low), within)

    return bounds


def always(*interval: float) -> Callable[..., Interval]:
    """The bounds rule of an op whose values lie in an interval whatever comes in."""
    low, high = interval
    return lambda *_: (low, high)


def clamp(x: Interval, domain: Interval) -> Interval:
    """The part of an interval in a domain; its nearest end where there is none."""
    return min(max(x[0], domain[0]), domain[1]), max(min(x[1], domain[1]), domain[0])


def holds(x: Interval, value: float) -> bool:
    """Whether the interval reaches a value."""
    return x[0] <= value <= x[1]


def add_bounds(x: Interval, y: Interval) -> Interval:
    return _sum(x[0], y[0], -inf), _sum(x[1], y[1], inf)


def sub_bounds(x: Interval, y: Interval) -> Interval:
    return add_bounds(x, (-y[1], -y[0]))


def mul_bounds(x: Interval, y: Interval) -> Interval:
    ends = [_product(a, b) for a in x for b in y]
    return min(ends), max(ends)


def div_bounds(x: Interval, y: Interval) -> Interval:
    if holds(y, 0.0):
        return REALS
    ends = [_quotient(a, b) for a in x for b in y]
    return min(ends), max(ends)


def square_bounds(x: Interval) -> Interval:
    low, high = sorted((_product(x[0], x[0]), _product(x[1], x[1])))
    return (0.0 if holds(x, 0.0) else low), high


def abs_bounds(x: Interval) -> Interval:
    low, high = sorted(map(abs, x))
    return (0.0 if holds(x, 0.0) else low), high


def power_bounds(x: Interval, y: Interval) -> Interval:
    """Sharp for a constant even exponent and for positive bases."""
    exponent = y[0] if y[0] == y[1] else None
    if exponent is not None and exponent > 0 and isfinite(exponent) and floor(exponent / 2) * 2 == exponent:
        return increasing(lambda b: b**exponent, (0.0, inf))(abs_bounds(x))
    if x[0] < 0.0:
        return REALS
    ends = [_at(np.power, a, b) for a in x for b in y]
    return _widened(min(ends), max(ends), (0.0, inf)) if x[0] > 0.0 or y[0] >= 0.0 else (0.0, inf)


def hull(*intervals: Interval) -> Interval:
    """The smallest interval that holds all of them."""
    return min(low for low, _ in intervals), max(high for _, high in intervals)


def _sum(a: float, b: float, otherwise: float) -> float:
    total = a + b
    return otherwise if isnan(total) else total


def _product(a: float, b: float) -> float:
    return 0.0 if a == 0.0 or b == 0.0 else a * b


def _quotient(a: float, b: float) -> float:
    quotient = _at(np.divide, a, b)
    return 0.0 if isnan(quotient) else quotient
