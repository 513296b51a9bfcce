"""Compiled derivatives against difference quotients: the complex step, else central ones, else extrapolated.

    tries = attempts(exact, curves, steps, reaches, deadline)
    agreement(tries, lambda a, sure: compare(labels, found, a.slopes, a.errors, a.rtol, a.method))

Central differences that disagree are extrapolated before anything is said; those that do not converge
prove nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from autodiffc.grammar.records import record

from .comparison import SMALL_PART, Comparison, not_checked
from .differences import Curve, Slope, central, richardson
from .ir import Array

EXACT, CENTRAL = 1e-9, 1e-6  # relative tolerances
RELIABLE = 1e-4  # an extrapolated difference of a larger relative error proves nothing
OUT_OF_TIME = "the time allowed ran out"


@record(frozen=True, eq=False)
class Attempt:
    """Slopes found in one way, how far off each may be, and the relative tolerance that goes with the way."""

    slopes: Array
    errors: Array
    rtol: float
    method: str

    @property
    def sure(self) -> Array:
        """The positions of the slopes whose own error is small."""
        sizes = np.abs(self.slopes)
        largest = np.max(sizes, initial=0.0, where=np.isfinite(sizes))
        small = self.errors <= RELIABLE * np.maximum(sizes, SMALL_PART * largest)
        return np.flatnonzero(small) if self.method == "extrapolated" else np.arange(self.slopes.size)


Judge = Callable[[Attempt, Array], Comparison]


def attempts(
    exact: Array | None,
    curves: Sequence[Curve],
    steps: Sequence[float],
    reaches: Sequence[float],
    deadline: float,
) -> Iterator[Attempt | None]:
    """The slope of each curve at 0, found in better and better ways; None where the time is up."""
    if exact is not None:
        yield Attempt(exact, np.zeros(exact.shape), EXACT, "complex step")
        return
    yield _attempt(central, curves, steps, deadline, CENTRAL, "central")
    yield _attempt(richardson, curves, reaches, deadline, EXACT, "extrapolated")


def _attempt(
    quotient: Callable[[Curve, float], Slope],
    curves: Sequence[Curve],
    steps: Sequence[float],
    deadline: float,
    rtol: float,
    method: str,
) -> Attempt | None:
    found = []
    for curve, step in zip(curves, steps):
        if time.monotonic() > deadline:
            return None
        found.append(quotient(curve, step))
    slopes = np.array([s.slope for s in found], float)
    return Attempt(slopes, np.array([s.error for s in found], float), rtol, method)


def agreement(tries: Iterator[Attempt | None], judge: Judge) -> Comparison:
    """What the first attempt that agrees says, or the last one; `judge` looks at the sure positions."""
    found = not_checked(OUT_OF_TIME)
    for attempt in tries:
        if attempt is None:
            return not_checked(OUT_OF_TIME)
        sure = attempt.sure
        found = judge(attempt, sure)
        if found.status == "ok":
            return (
                found if len(sure) == attempt.slopes.size else not_checked("the differences do not converge")
            )
    return found
