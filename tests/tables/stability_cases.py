"""Stability rules as a table: what a user writes, where that fails as written, and the true value.

A case has the spellings of one expression, three points in the range where the naive text loses digits or
overflows, the exact function for mpmath, and the relative error that the safe form keeps. `floor` is what
an error of the gradient is measured against where the slope itself is tiny: the stable profile takes the
derivative of sigmoid and tanh from their outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp


@dataclass(frozen=True, eq=False)
class Case:
    """`points` has a tuple for each variable: its value at each of the three points."""

    name: str
    spellings: tuple[str, ...]
    points: dict[str, tuple[float, ...]]
    exact: Callable[..., Any]
    error: float = 3e-16
    slope_error: float | None = None
    floor: float = 0.0
    digits: int = 2000  # 1 + exp(-1000) has 435 that matter, and its differences as many again


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))


def _log_erfc(x: Any) -> Any:
    """By the continued fraction where erfc itself has too many digits to compute."""
    if x < 100:
        return mp.log(mp.erfc(x))
    fraction = x
    for k in range(1500, 0, -1):
        fraction = x + mp.mpf(k) / 2 / fraction
    return -x * x - mp.log(fraction * mp.sqrt(mp.pi))


BIG = (-800.0, -710.5, 800.0)
SMALL = (1e-17, -3e-12, 2e-9)

CASES = (
    Case(
        "R4 pairwise",
        _split(
            "log(exp(a) + exp(b)) | log(exp(b) + exp(a)) | log(exp(b - a) + 1) + a | log1p(exp(b - a)) + a"
        ),
        {"a": (800.0, -800.0, 1000.0), "b": (801.0, -800.5, -1000.0)},
        lambda a, b: mp.log(mp.exp(a) + mp.exp(b)),
        error=5e-16,
        floor=1.0,
    ),
    Case(
        "R4 three terms",
        _split(
            "log(exp(a) + exp(b) + 1) | log(1 + exp(a) + exp(b)) | log1p(exp(a) + exp(b)) | log(exp(b) + (1 + exp(a)))"
        ),
        {"a": (800.0, 750.0, 1000.0), "b": (801.0, 752.5, -1000.0)},
        lambda a, b: mp.log(1 + mp.exp(a) + mp.exp(b)),
        error=5e-16,
        floor=1.0,
    ),
    Case(
        "R6 one over",
        _split(
            "1 / (1 + exp(-x)) | 1 / (exp(-x) + 1) | (1 + exp(-x))**(-1) | 1 / (1 + 1 / exp(x)) | exp(x) / (1 + exp(x))"
            " | exp(x) / (exp(x) + 1) | exp(x) * (1 / (1 + exp(x)))"
        ),
        {"x": (-720.0, 30.0, 800.0)},
        _sigmoid,
        floor=1e-13,
        slope_error=1e-2,
    ),
    Case(
        "R6 two exponentials",
        _split(
            "exp(a) / (exp(a) + exp(b)) | exp(a) / (exp(b) + exp(a)) | exp(a) * (1 / (exp(a) + exp(b)))"
            " | 1 / (1 + exp(b) / exp(a)) | 1 / (1 + exp(b - a))"
        ),
        {"a": (800.0, -800.0, 1000.0), "b": (801.0, -799.5, 999.0)},
        lambda a, b: _sigmoid(a - b),
        error=4e-16,
        slope_error=1e-15,
    ),
    Case(
        "R7",
        _split(
            "log(sigmoid(x)) | log(1 / (1 + exp(-x))) | -log(1 + exp(-x)) | log(exp(x) / (1 + exp(x)))"
            " | log(1 - sigmoid(-x)) | log1p(-sigmoid(-x)) | -log1p(exp(-x))"
        ),
        {"x": (-800.0, 40.0, 100.0)},
        lambda x: -mp.log(1 + mp.exp(-x)),
    ),
    Case(
        "R8",
        _split(
            "1 - sigmoid(x) | -sigmoid(x) + 1 | -(sigmoid(x) - 1) | 1 - 1 / (1 + exp(-x)) | 1 + -1 * sigmoid(x)"
        ),
        {"x": (40.0, 100.0, 700.0)},
        lambda x: _sigmoid(-x),
    ),
    Case(
        "R9",
        _split(
            "log(1 + exp(x)) | log(exp(x) + 1) | log1p(exp(x)) | log(1 + 1 / exp(-x)) | -log(1 / (1 + exp(x)))"
        ),
        {"x": (-100.0, -40.0, 800.0)},
        lambda x: mp.log(1 + mp.exp(x)),
    ),
    Case(
        "R10 expm1",
        _split(
            "exp(x) - 1 | -1 + exp(x) | -(1 - exp(x)) | (2 * exp(x) - 2) / 2 | exp(x) + (-1) | 1 / exp(-x) - 1"
        ),
        {"x": SMALL},
        mp.expm1,
    ),
    Case(
        "R10 log1p",
        _split("log(1 + x) | log(x + 1) | log(1 - (-x)) | -log(1 / (1 + x)) * -1 * -1 | log(1.0 + 1 * x)"),
        {"x": SMALL},
        mp.log1p,
    ),
    Case(
        "R11",
        _split(
            "p * log(p / q) | log(p / q) * p | -p * log(q / p) | -(log(q / p) * p) | p * log(p * (1 / q))"
        ),
        {"p": (1e-300, 0.3, 1e200), "q": (1e10, 0.3000000000000003, 1e-200)},
        lambda p, q: p * mp.log(p / q),
        error=5e-16,
        floor=1.0,
    ),
    Case(
        "R12",
        _split(
            "log(1 - exp(-x)) | log(-expm1(-x)) | log1p(-exp(-x)) | log(-exp(-x) + 1) | log(1 - 1 / exp(x))"
            " | log(-(exp(-x) - 1))"
        ),
        {"x": (1e-20, 40.0, 300.0)},
        lambda x: mp.log(-mp.expm1(-x)),
    ),
    Case(
        "R13",
        _split("1 - cos(x) | -cos(x) + 1 | -(cos(x) - 1) | (2 - 2 * cos(x)) / 2 | 1 + -cos(x)"),
        {"x": (1e-9, -2e-12, 1e-30)},
        lambda x: 2 * mp.sin(x / 2) ** 2,
        error=4e-16,
        slope_error=4e-16,
    ),
    Case(
        "R14 hypot",
        _split("sqrt(a * a + b * b) | sqrt(a**2 + b**2) | (b * b + a * a)**0.5 | sqrt(square(b) + a**2)"),
        {"a": (3e200, 3e-200, 1e-160), "b": (-4e200, 4e-200, 1e160)},
        lambda a, b: mp.sqrt(a * a + b * b),
    ),
    Case(
        "R14 abs",
        _split("sqrt(x**2) | sqrt(x * x) | (x**2)**0.5 | sqrt(square(x)) | (-x * -x)**0.5"),
        {"x": (3e200, -3e-200, 1e-170)},
        mp.fabs,
    ),
    Case(
        "R17 quotient",
        _split(
            "exp(a) / exp(b) | exp(a) * (1 / exp(b)) | 1 / exp(b) * exp(a) | exp(a) * exp(b)**(-1) | exp(a) * exp(-b)"
        ),
        {"a": (800.0, -800.0, 900.0), "b": (799.0, -800.5, 899.25)},
        lambda a, b: mp.exp(a - b),
        error=4e-16,
    ),
    Case(
        "R17 log of exp",
        _split("log(exp(x)) | log1p(expm1(x)) | log(1 + expm1(x)) | -log(1 / exp(x)) | log(2 * exp(x) / 2)"),
        {"x": BIG},
        lambda x: x,
    ),
    Case(
        "R18",
        _split(
            "a**2 - b**2 | a * a - b * b | -b * b + a * a | -(b**2 - a**2) | square(a) - b**2 | a * a + -(b * b)"
        ),
        {"a": (1.0 + 2e-16, 1e8, 1e200), "b": (1.0, 1e8 + 1e-7, 1e200)},
        lambda a, b: (a - b) * (a + b),
    ),
    Case(
        "R19 erfc",
        _split(
            "1 - erf(x) | -erf(x) + 1 | -(erf(x) - 1) | (2 - 2 * erf(x)) / 2 | 1 + erf(-x) | 2 * (0.5 - 0.5 * erf(x))"
        ),
        {"x": (6.0, 7.5, 26.0)},
        mp.erfc,
        error=4e-16,
        slope_error=1e-13,  # of exp(-x**2), whose exponent is rounded
        digits=200,
    ),
    Case(
        "R19 lower tail",
        _split("1 + erf(x) | erf(x) + 1 | -(-erf(x) - 1) | 1 - erf(-x) | 2 - erfc(x)"),
        {"x": (-6.0, -7.5, -26.0)},
        lambda x: mp.erfc(-x),
        error=4e-16,
        slope_error=1e-13,
        digits=200,
    ),
    Case(
        "R19 erf",
        _split("1 - erfc(x) | -erfc(x) + 1 | -(erfc(x) - 1) | (2 - 2 * erfc(x)) / 2 | 1 + -1 * erfc(x)"),
        {"x": (1e-17, -3e-12, 1e-300)},
        mp.erf,
        error=4e-16,
        digits=200,
    ),
    Case(
        "R20",
        _split(
            "log(erfc(x)) | log(1 - erf(x)) | log1p(-erf(x)) | log(-(erf(x) - 1)) | -log(1 / erfc(x)) | log(1 + erf(-x))"
        ),
        {"x": (7.0, 30.0, 300.0)},
        _log_erfc,
        error=4e-16,
        slope_error=4e-16,
        digits=200,
    ),
    Case(
        "R20 normal tail",
        _split("log(0.5 * erfc(x)) | log(erfc(x) / 2) | log(0.5 - 0.5 * erf(x)) | log((1 - erf(x)) * 0.5)"),
        {"x": (7.0, 30.0, 300.0)},
        lambda x: _log_erfc(x) - mp.log(2),
        error=4e-16,
        slope_error=4e-16,
        digits=200,
    ),
    Case(
        "R21",
        _split(
            "0.5 * x * (1 + erf(x / sqrt(2))) | x * 0.5 * (erf(x * sqrt(0.5)) + 1) | (x + x * erf(x / sqrt(2))) / 2"
            " | x / 2 * (1.0 - erf(-x / 2**0.5)) | 0.5 * x * erfc(-x / sqrt(2)) | x * ndtr(x)"
        ),
        {"x": (-37.0, -8.0, -20.0)},
        lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
        error=2e-13,
        digits=200,
    ),
    Case(
        "R21 near 0",
        _split(
            "0.5 * x * (1 + erf(x / sqrt(2))) | x * 0.5 * (erf(x * sqrt(0.5)) + 1) | (x + x * erf(x / sqrt(2))) / 2"
            " | x / 2 * (1.0 - erf(-x / 2**0.5)) | 0.5 * x * erfc(-x / sqrt(2)) | x * ndtr(x)"
        ),
        {"x": (1e-3, -1e-2, 1e-200)},
        lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
        error=4e-16,
        digits=200,
    ),
    Case(
        "R22 tanh",
        _split(
            "(exp(x) - exp(-x)) / (exp(x) + exp(-x)) | 2 * sigmoid(2 * x) - 1 | 2 / (1 + exp(-2 * x)) - 1"
            " | (exp(2 * x) - 1) / (exp(2 * x) + 1) | (exp(x) - 1 / exp(x)) / (exp(-x) + exp(x))"
        ),
        {"x": (1e-12, -2e-17, 400.0)},
        mp.tanh,
        floor=1.0,
    ),
    Case(
        "R22 sinh",
        _split(
            "(exp(x) - exp(-x)) / 2 | 0.5 * (exp(x) - exp(-x)) | 0.5 * exp(x) - 0.5 * exp(-x) | -(exp(-x) - exp(x)) / 2"
        ),
        {"x": (1e-12, -2e-17, 3e-9)},
        mp.sinh,
    ),
    Case(
        "R23 arctanh",
        _split(
            "0.5 * log((1 + x) / (1 - x)) | log((1 + x) / (1 - x)) / 2 | -0.5 * log((1 - x) / (1 + x))"
            " | 0.5 * (log(1 + x) - log(1 - x)) | 0.5 * log1p(x) - 0.5 * log1p(-x)"
        ),
        {"x": (1e-17, -2e-12, 3e-9)},
        mp.atanh,
    ),
    Case(
        "R23 arcsinh",
        _split(
            "log(x + sqrt(x * x + 1)) | log(sqrt(1 + x**2) + x) | log(x + (x * x + 1)**0.5) | log((square(x) + 1)**0.5 + x)"
        ),
        {"x": (1e-17, -1e9, 1e200)},
        mp.asinh,
    ),
    Case(
        "R28 one apart",
        _split(
            "sqrt(x + 1) - sqrt(x) | -sqrt(x) + sqrt(1 + x) | (x + 1)**0.5 - x**0.5 | -(sqrt(x) - sqrt(x + 1))"
        ),
        {"x": (1e10, 1e15, 3e22)},
        lambda x: mp.sqrt(x + 1) - mp.sqrt(x),
    ),
    Case(
        "R28 two roots",
        _split(
            "sqrt(a) - sqrt(b) | -sqrt(b) + sqrt(a) | a**0.5 - b**0.5 | -(sqrt(b) - sqrt(a)) | (2 * sqrt(a) - 2 * sqrt(b)) / 2"
        ),
        {"a": (2.0, 1e10, 0.0), "b": (2.0 + 1e-15, 1e10 + 1e-5, 4.0)},
        lambda a, b: mp.sqrt(a) - mp.sqrt(b),
        slope_error=1e-15,
    ),
    Case(
        "R29",
        _split(
            "log(p / (1 - p)) | -log((1 - p) / p) | log(p) - log(1 - p) | -log(1 / p - 1) | log(p / (-p + 1)) | log(-p / (p - 1))"
        ),
        {"p": (0.5 + 1e-15, 0.5 - 1e-10, 0.4999)},
        lambda p: mp.log(p / (1 - p)),
        error=4e-16,
        slope_error=4e-16,
    ),
)
