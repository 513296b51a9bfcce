"""From times to ratios, goals met and missed.

>>> ratio({"O2": {"times": [1.0, 2.0, 4.0]}, "jax": {"times": [3.0, 6.0, 12.0]}}, "jax", "O2").median
3.0
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .contenders import TITLES
from .timing import Spread, spread
from .workload import Workload

Results = dict[str, dict[str, Any]]


def timed(results: Results, name: str) -> bool:
    return "times" in results.get(name, {})


def ratio(results: Results, one: str, other: str) -> Spread | None:
    """How many times longer one takes, round by round; None where one of them wasn't timed."""
    if not (timed(results, one) and timed(results, other)):
        return None
    return spread([a / b for a, b in zip(results[one]["times"], results[other]["times"])])


@dataclass(frozen=True)
class Goal:
    """At least, or at most, so many times; what was got, and what the code by hand gets."""

    workload: Workload
    what: str
    wanted: float
    got: Spread | None
    by_hand: Spread | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """By the median, to a hundredth."""
        return None if self.got is None else self.reached(round(self.got.median, 2))

    def reached(self, times: float) -> bool:
        """Whether so many times would do."""
        return times <= self.wanted if self.at_most else times >= self.wanted


def goals(workload: Workload, results: Results) -> Iterator[Goal]:
    """Those of a workload."""
    for peer, wanted in workload.goals.items():
        got, by_hand = (ratio(results, peer, own) for own in ("O2", "best"))
        yield Goal(workload, TITLES[peer], wanted, got, by_hand)
    if workload.limit is not None and workload.goals:
        limit = workload.limit
        got, by_hand = (ratio(results, own, "limit") for own in ("O2", "best"))
        yield Goal(workload, f"of {limit.what}", limit.times, got, by_hand, at_most=True)
    if workload.goals:
        wanted = 4.0 if workload.scalars else 3.0
        yield Goal(workload, "of its forward", wanted, ratio(results, "O2", "forward"), at_most=True)
