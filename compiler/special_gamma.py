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
from functools import partial
from typing import Any

import numpy as np
from numpy import ndarray

from .special_blocks import _begun, _by_interval, _in_blocks, _polynomial

# --- series, for arrays and for floats -----------------------------------------------------------------


def _lgamma_series(w: Any, out: ndarray | None = None) -> Any:
    """lgamma(2 + w) for abs(w) up to 1/2 (after Abramowitz & Stegun 6.1.33)."""
    coefficients = (
        -1.3219945666117874e-07, 2.78740805211359e-07, -4.3252393445604814e-07,
        9.200527894968101e-07, -2.0439048107029907e-06, 4.38470440459836e-06,
        -9.438715099211532e-06, 2.0505590755833454e-05, -4.49263133791557e-05,
        9.945767355819498e-05, -0.00022315475400520507, 0.0005096695154115458,
        -0.0011927539118428156, 0.002890510331034267, -0.0073855510286719986,
        0.02058080842778038, -0.0673523010531981, 0.32246703342411326, 0.42278433509846713,
    )  # fmt: skip
    value = _polynomial(w, coefficients, out)
    value *= w
    return value


def _stirling_tail(x: Any, out: ndarray | None = None, room: Any = (None, None)) -> Any:
    """lgamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) from 8.5 on (Abramowitz & Stegun 6.1.40)."""
    coefficients = (
        -1.3924322169059011, 0.17964437236883057, -0.029550653594771242, 0.00641025641025641,
        -0.0019175269175269176, 0.0008417508417508417, -0.0005952380952380953,
        0.0007936507936507937, -0.002777777777777778, 0.08333333333333333,
    )  # fmt: skip
    inverse, square = room[:2]
    inverse = _begun(1.0, inverse)
    inverse /= x
    square = _begun(inverse, square)
    square *= inverse
    value = _polynomial(square, coefficients, out)
    value *= inverse
    return value


def _digamma_at_root(x: Any, out: ndarray | None = None, room: Any = (None,)) -> Any:
    """digamma(x) from 1.2 to 1.8, by a polynomial about its zero, which takes two doubles."""
    coefficients = (
        0.00037430344712425324, -0.0008199691270861407, 0.0011327393686311408,
        -0.0015718560186554456, 0.002297611017135611, -0.003369609513639812,
        0.004927324411072092, -0.007204574083633974, 0.010538768963831978, -0.015424763813616552,
        0.02259764878884233, -0.033161126527719104,
        0.048804288156376836, -0.0721995612557935, 0.10782405069131762, -0.1639427054424101,
        0.25849976095565086, -0.4427631689835921, 0.9676722454476212,
    )  # fmt: skip
    away = _begun(x, room[0])
    away -= 1.4616321449683622
    away -= 9.549995429965697e-17
    value = _polynomial(away, coefficients, out)
    value *= away
    return value


def _digamma_tail(x: Any, out: ndarray | None = None, room: Any = (None, None)) -> Any:
    """log(x) - digamma(x) from 8.5 on (Abramowitz & Stegun 6.3.18)."""
    coefficients = (
        -26.456212121212122, 3.0539543302701198, -0.4432598039215686, 0.08333333333333333,
        -0.021092796092796094, 0.007575757575757576, -0.004166666666666667, 0.003968253968253968,
        -0.008333333333333333, 0.08333333333333333,
    )  # fmt: skip
    inverse, t = room[:2]
    inverse = _begun(1.0, inverse)
    inverse /= x
    t = _begun(inverse, t)
    t *= inverse
    value = _polynomial(t, coefficients, out)
    value *= t
    inverse *= 0.5
    value += inverse
    return value


def _polygamma_far(n: int, x: Any, out: ndarray | None = None, room: Any = (None, None)) -> Any:
    """The n-th derivative of digamma, but for its sign, from n + 8.5 on (Abramowitz & Stegun 6.4.11)."""
    bernoulli = (
        -529.1242424242424, 54.971177944862156, -7.092156862745098, 1.1666666666666667,
        -0.2531135531135531, 0.07575757575757576, -0.03333333333333333, 0.023809523809523808,
        -0.03333333333333333, 0.16666666666666666,
    )  # fmt: skip
    inverse, t = room[:2]
    inverse = _begun(1.0, inverse)
    inverse /= x
    t = _begun(inverse, t)
    t *= inverse
    terms = range(2 * len(bernoulli), 0, -2)
    series = [b * math.comb(n + k - 1, k) for b, k in zip(bernoulli, terms)]
    value = _polynomial(t, (*series, 0.0), out)
    half = _begun(inverse, room[1])
    half *= 0.5 * n
    value += half
    value += 1.0
    inverse **= n
    inverse *= math.factorial(n - 1)
    value *= inverse
    return value


def _digamma_drop_far(a: Any, b: Any, out: ndarray | None = None, room: Any = (None,) * 8) -> Any:
    """digamma(a) - digamma(a + b) from 8.5 on: the asymptotic series of both, subtracted term by term."""
    coefficients = (
        -26.456212121212122, 3.0539543302701198, -0.4432598039215686, 0.08333333333333333,
        -0.021092796092796094, 0.007575757575757576, -0.004166666666666667, 0.003968253968253968,
        -0.008333333333333333, 0.08333333333333333,
    )  # fmt: skip
    whole, share, change, square, powers, step, scale = room[:7]
    whole = _begun(a, whole)
    whole += b
    share, change = _begun(a, share), _begun(b, change)
    share /= whole
    change /= whole
    square = _begun(share, square)
    square *= share
    step = _begun(1.0, step)
    step /= a
    step /= a
    powers, scale, total = _begun(0.0, powers), _begun(1.0, scale), _begun(0.0, out)
    for coefficient in reversed(coefficients):
        powers *= square
        powers += 1.0
        scale *= step
        term = _begun(powers, room[7])
        term *= scale
        term *= coefficient
        total += term
    share += 1.0
    total *= share
    total *= change
    change /= a
    change *= 0.5
    total += change
    fraction = _begun(b, room[0])
    fraction /= a
    total += np.log1p(fraction, room[0])
    total *= -1.0
    return total


# --- log gamma -----------------------------------------------------------------------------------------


def _lgamma(x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """log(abs(gamma(x)))."""
    with np.errstate(all="ignore"):
        return _in_blocks(_lgamma_block, x, out=out, scratch=scratch, rows=16)


def _lgamma_block(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """log(abs(gamma(x)))."""
    return _by_interval(x, (0.0, 8.5), (_lgamma_reflected, _lgamma_near, _lgamma_far), out, room)


def _lgamma_reflected(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """lgamma below 0; +inf at the poles."""
    (part, marks), room = room[:2], room[2:]
    _lgamma_block(np.subtract(1.0, x, part), out, room)
    np.subtract(x, np.rint(x, part), part)
    part *= np.pi
    np.log(np.abs(np.sin(part, part), part), part)
    np.subtract(1.1447298858494002, part, part)
    np.subtract(part, out, out)
    np.putmask(out, np.equal(x, np.floor(x, part), marks.view(np.bool_)[: len(x)]), np.inf)
    return out


def _lgamma_near(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """lgamma from 0 to 8.5, by steps of 1 to the series about 2."""
    nearest, w, part, up, marks = room[:5]
    mask = marks.view(np.bool_)[: len(x)]
    np.subtract(x, np.rint(x, nearest), w)
    up.fill(1.0)
    for step in map(float, range(2, int(nearest.max()))):
        np.add(w, step, part)
        np.putmask(part, np.less_equal(nearest, step, mask), 1.0)
        up *= part
    _lgamma_series(w, out)
    out += np.log(up, up)
    if nearest.min() < 2.0:
        part[...] = w
        np.putmask(part, np.greater_equal(nearest, 2.0, mask), 0.0)
        out -= np.log1p(part, part)
        np.putmask(w, np.greater_equal(nearest, 1.0, mask), 1.0)
        out -= np.log(np.abs(w, w), w)
    return out


def _lgamma_far(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """lgamma from 8.5 on."""
    part, room = room[0], room[1:]
    np.log(x, out)
    out -= 1.0
    out *= np.subtract(x, 0.5, part)
    out += 0.4189385332046727
    out += _stirling_tail(x, part, room)
    return out


def _lbeta(
    a: ndarray, b: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """lgamma(a) + lgamma(b) - lgamma(a + b), exact where a or b is large (after Didonato & Morris 1992)."""
    with np.errstate(all="ignore"):
        return _in_blocks(_lbeta_block, a, b, out=out, scratch=scratch, rows=30)


def _lbeta_block(a: ndarray, b: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The same by the larger of a and b, h, and the lower, l."""
    (h, l), room = room[:2], room[2:]
    branches = (
        lambda h, l, out, room: _lbeta_small(l, h, out, room),
        _lbeta_large,
        _lbeta_infinite,
    )
    np.maximum(a, b, out=h)
    np.minimum(a, b, out=l)
    return _by_interval(h, (8.5, np.inf), branches, out, room, l)


def _lbeta_small(l: ndarray, h: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """lbeta(l, h) by its definition."""
    (part, whole), room = room[:2], room[2:]
    _lgamma_block(l, out, room)
    out += _lgamma_block(h, part, room)
    out -= _lgamma_block(np.add(l, h, whole), part, room)
    return out


def _lbeta_large(h: ndarray, l: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """lbeta(l, h) for h from 8.5 on."""
    branches = (_lbeta_small, _lbeta_one_large, _lbeta_both_large)
    return _by_interval(l, (0.0, 8.5), branches, out, room, h)


def _lbeta_infinite(h: ndarray, l: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """lbeta(l, h) for h that is infinite or NaN."""
    out.fill(np.nan)
    return np.negative(h, out, where=np.greater(l, 0.0, room[0].view(np.bool_)[: len(l)]))


def _lbeta_one_large(l: ndarray, h: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """lbeta(l, h) for h from 8.5 on and l below."""
    (whole, part, power), room = room[:3], room[3:]
    np.add(h, l, whole)
    _lgamma_block(l, out, room)
    np.log1p(np.divide(l, h, power), power)
    power *= np.subtract(h, 0.5, part)
    out -= power
    np.log(whole, power)
    power -= 1.0
    power *= l
    out -= power
    np.subtract(_stirling_tail(h, part, room), _stirling_tail(whole, power, room), part)
    out += part
    return out


def _lbeta_both_large(l: ndarray, h: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """lbeta(l, h) for h and l from 8.5 on."""
    (whole, part, power), room = room[:3], room[3:]
    np.add(h, l, whole)
    np.log(np.divide(l, whole, out), out)
    out *= l
    np.log1p(np.divide(l, h, power), power)
    power *= np.subtract(h, 0.5, part)
    out -= power
    np.log(l, part)
    part *= 0.5
    out -= part
    out += 0.9189385332046728
    np.add(_stirling_tail(h, part, room), _stirling_tail(l, power, room), part)
    part -= _stirling_tail(whole, power, room)
    out += part
    return out


# --- digamma and its derivatives -----------------------------------------------------------------------


def _cot_pi(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """cot(pi * x); NaN at its poles."""
    part, marks = room[:2]
    np.subtract(x, np.rint(x, part), part)
    part *= np.pi
    pole = np.equal(part, 0.0, marks.view(np.bool_)[: len(x)])
    np.cos(part, out)
    out /= np.sin(part, part)
    np.putmask(out, pole, np.nan)
    return out


def _digamma(x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """The derivative of lgamma."""
    with np.errstate(all="ignore"):
        return _in_blocks(_digamma_block, x, out=out, scratch=scratch, rows=16)


def _digamma_block(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The derivative of lgamma."""
    near = (_digamma_stepped, _digamma_at_root, _digamma_stepped)
    branches = (_digamma_reflected, *near, _digamma_far)
    return _by_interval(x, (0.0, 1.2, 1.8, 8.5), branches, out, room)


def _digamma_reflected(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """digamma below 0."""
    part, room = room[0], room[1:]
    _digamma_block(np.subtract(1.0, x, part), out, room)
    _cot_pi(x, part, room)
    part *= np.pi
    out -= part
    return out


def _digamma_stepped(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """digamma from 0 to 8.5, by nine steps of 1 to where the asymptotic series is exact."""
    (far, part), room = room[:2], room[2:]
    np.divide(1.0, np.add(x, 8.0, part), out)
    for step in (7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0):
        np.add(x, step, part)
        out += np.divide(1.0, part, part)
    out += np.divide(1.0, x, part)
    np.add(x, 9.0, far)
    out += _digamma_tail(far, part, room)
    return np.subtract(np.log(far, far), out, out)


def _digamma_far(x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """digamma from 8.5 on."""
    part, room = room[0], room[1:]
    np.log(x, out)
    out -= _digamma_tail(x, part, room)
    return out


def _digamma_drop(
    a: ndarray, b: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """digamma(a) - digamma(a + b), exact where b is small beside a."""
    with np.errstate(all="ignore"):
        return _in_blocks(_digamma_drop_block, a, b, out=out, scratch=scratch, rows=24)


def _digamma_drop_block(a: ndarray, b: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The same by the lower of a and a + b."""
    low, room = room[0], room[1:]
    np.minimum(a, np.add(a, b, low), out=low)
    return _by_interval(low, (0.0,), (_digamma_drop_any, _digamma_drop_positive), out, room, a, b)


def _digamma_drop_any(low: ndarray, a: ndarray, b: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The same by its definition."""
    (whole, part), room = room[:2], room[2:]
    _digamma_block(a, out, room)
    out -= _digamma_block(np.add(a, b, whole), part, room)
    return out


def _digamma_drop_positive(low: ndarray, a: ndarray, b: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The same for positive a and a + b, the lower of them given, by steps of 1 up to the series."""
    (steps, whole, part, passed, marks), room = room[:5], room[5:]
    mask = marks.view(np.bool_)[: len(a)]
    np.maximum(np.ceil(np.subtract(8.5, low, steps), steps), 0.0, out=steps)
    np.add(a, b, whole)
    passed.fill(0.0)
    most = int(np.fmax.reduce(steps, initial=0.0))
    for step in map(float, range(most - 1, -1, -1)):
        np.divide(b, np.add(whole, step, part), part)
        part /= np.add(a, step, out)
        np.putmask(part, np.less_equal(steps, step, mask), 0.0)
        passed += part
    _digamma_drop_far(np.add(a, steps, part), b, out, room)
    out -= passed
    return out


def _polygamma(
    n: int, x: ndarray, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """The n-th derivative of digamma, n from 1 on."""
    with np.errstate(all="ignore"):
        return _in_blocks(partial(_polygamma_block, n), x, out=out, scratch=scratch, rows=20)


def _polygamma_block(n: int, x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The n-th derivative of digamma."""
    branches = (
        partial(_polygamma_reflected, n),
        partial(_polygamma_stepped, n),
        partial(_polygamma_far, n),
    )
    _by_interval(x, (0.0, n + 8.5), branches, out, room)
    return out if n % 2 else np.negative(out, out)


def _polygamma_reflected(n: int, x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The n-th derivative of digamma below 0, but for its sign."""
    (part, change), room = room[:2], room[2:]
    _polygamma_block(n, np.subtract(1.0, x, part), out, room)
    _cot_derivative(n, _cot_pi(x, part, room), change)
    change *= math.pi ** (n + 1)
    if n % 2:
        out += change
        return np.negative(out, out)
    return np.subtract(change, out, out)


def _polygamma_stepped(n: int, x: ndarray, out: ndarray, room: ndarray) -> ndarray:
    """The n-th derivative of digamma from 0 to n + 8.5, but for its sign, by steps of 1 up to the series."""
    (far, part, total, marks), room = room[:4], room[4:]
    mask = marks.view(np.bool_)[: len(x)]
    np.ceil(np.subtract(n + 8.5, x, far), far)
    most = int(far.max())
    far += x
    total.fill(0.0)
    for step in map(float, range(most - 1, -1, -1)):
        np.greater_equal(np.add(x, step, part), far, mask)
        part **= n + 1
        np.divide(1.0, part, part)
        np.putmask(part, mask, 0.0)
        total += part
    total *= math.factorial(n)
    _polygamma_far(n, far, out, room)
    out += total
    return out


def _cot_derivative(n: int, cot: ndarray, out: ndarray) -> Any:
    """The n-th derivative of cot, from cot itself: each is a polynomial in it."""
    polynomial = np.array([1.0, 0.0])
    for _ in range(n):
        polynomial = np.polymul(np.polyder(polynomial), [-1.0, 0.0, -1.0])
    return _polynomial(cot, tuple(polynomial.tolist()), out)
