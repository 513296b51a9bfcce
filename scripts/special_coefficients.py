"""Prints the coefficients of the series for the gamma function's family, from mpmath's constants.

    python scripts/special_coefficients.py

The tables stand in compiler/special_gamma.py, each in the function that uses it, the highest power first;
the tests compare them with what this script computes. Formulas: Abramowitz & Stegun, Handbook of
Mathematical Functions (1964), 6.1.33 and 6.1.40 (log gamma), 6.3.18 (digamma), 6.4.11 (its derivatives).
Taylor series are made shorter by Chebyshev's polynomials: 19 terms are exact to 1e-18.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp

TERMS = 10  # of the asymptotic series, enough from 8.5 on


def zeta_series() -> tuple[float, ...]:
    """lgamma(2 + w) / w = (1 - γ) + Σ (-1)^k (ζ(k) - 1) / k w^(k-1), for abs(w) up to 1/2."""
    terms = [(-1) ** k * (mp.zeta(k) - 1) / k for k in range(90, 1, -1)]
    return _economised([*terms, 1 - mp.euler], -0.5, 0.5)


def stirling_tail() -> tuple[float, ...]:
    """The coefficients of x^-(2k-1) in Stirling's series: B(2k) / (2k (2k - 1))."""
    return _descending(lambda k: mp.bernoulli(2 * k) / (2 * k * (2 * k - 1)))


def digamma_tail() -> tuple[float, ...]:
    """log x - 1 / 2x - digamma(x): B(2k) / 2k, of x^-2k."""
    return _descending(lambda k: mp.bernoulli(2 * k) / (2 * k))


def bernoulli() -> tuple[float, ...]:
    """B(2k), for the derivatives of digamma."""
    return _descending(lambda k: mp.bernoulli(2 * k))


def digamma_root() -> tuple[float, float]:
    """The positive zero of digamma, as the sum of two doubles."""
    root = mp.findroot(mp.digamma, 1.46)
    high = float(root)
    return high, float(root - mp.mpf(high))


def digamma_at_root() -> tuple[float, ...]:
    """The Taylor series of digamma(x) / (x - root) about its zero, for x from 1.2 to 1.8."""
    root = mp.findroot(mp.digamma, 1.46)
    terms = [mp.psi(k, root) / mp.factorial(k) for k in range(80, 0, -1)]
    return _economised(terms, mp.mpf("1.2") - root, mp.mpf("1.8") - root)


def _economised(terms: list[Any], low: Any, high: Any) -> tuple[float, ...]:
    """The polynomial of 19 coefficients that is closest to a longer one on an interval, nearly."""
    return tuple(map(float, mp.chebyfit(lambda w: mp.polyval(terms, w), [low, high], 19)))


def _descending(coefficient: Callable[[int], Any]) -> tuple[float, ...]:
    return tuple(float(coefficient(k)) for k in range(TERMS, 0, -1))


TABLES = {
    "_lgamma_series": zeta_series,
    "_stirling_tail": stirling_tail,
    "_digamma_tail": digamma_tail,
    "_digamma_drop_far": digamma_tail,
    "_polygamma_far": bernoulli,
    "_digamma_at_root": digamma_at_root,
}


def main() -> None:
    with mp.workdps(60):
        print("root", digamma_root())
        for name, table in TABLES.items():
            print(name, *(f"    {c!r}," for c in table()), sep="\n")


if __name__ == "__main__":
    main()
