"""Two sides of an equation between computed numbers, and whether they agree.

    Sides(label, left, right, errors, rtol)     |left - right| <= errors + rtol max(|left|, |right|)

Where terms cancel, to 0 say, only noise is left of both sides. How much there is shows at arguments that are
a few units of rounding away: it is measured where the sides would differ otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
from autodiffc.grammar.records import record

from .comparison import Comparison, compare, not_checked
from .ir import Array

SAMPLES, NOISE = 3, 16.0  # evaluations nearby, and how many times their spread is allowed

Label = Callable[[int], str]


@record(frozen=True, eq=False)
class Sides:
    """`errors` says how far off each element may be, `sure` at which positions the right side is known."""

    label: Label
    left: Array
    right: Array
    errors: Array
    rtol: float
    method: str = ""
    sure: Array | None = None

    def compared(self, noise: Array | float = 0.0) -> Comparison:
        chosen = np.arange(self.left.size) if self.sure is None else self.sure
        errors = (self.errors + noise)[chosen]
        left, right, methods = self.left[chosen], self.right[chosen], (self.method,) * bool(self.method)
        found = compare(lambda k: self.label(int(chosen[k])), left, right, errors, self.rtol, *methods)
        if found.status == "ok" and chosen.size < self.left.size:
            return not_checked("the differences do not converge")
        return found

    def spread(self, other: Sides) -> Array:
        """How far both sides have moved."""
        moved = np.abs(self.left - other.left) + np.abs(self.right - other.right)
        return np.where(np.isfinite(moved), moved, 0.0)


def settled(tries: Iterable[Sides], nearby: Callable[[], Iterable[Sides]] | None) -> Comparison:
    """What the first sides that agree say, or the last ones, with as much noise as there is.

    `nearby` gives the same sides at arguments a few units of rounding away.
    """
    tried: list[Sides] = []
    for sides in tries:
        tried.append(sides)
        found = sides.compared()
        if found.status != "differs":
            return found
    if nearby is None:
        return found
    others = [list(islice(nearby(), len(tried)))[-1] for _ in range(SAMPLES)]
    noise = np.max([tried[-1].spread(other) for other in others], axis=0)
    return tried[-1].compared(NOISE * noise)
