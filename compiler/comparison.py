"""What a gradient check finds: numbers compared, with a verdict and the worst element.

>>> compare(["w[0]", "w[1]"], [1.0, 2.0], [1.0, 2.5], [0.0, 0.0], rtol=1e-9).status
'differs'

What could not be compared is `not checked`, with the reason in words; it never counts as passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Literal

Status = Literal["ok", "differs", "not checked"]
SMALL_PART = 1e-3  # of the largest element: smaller ones are held to that


@dataclass(frozen=True)
class Worst:
    """The element where two disagree most."""

    element: str
    compiled: float
    expected: float


@dataclass(frozen=True)
class Comparison:
    """The outcome of one method: the largest relative error, where it is, or why there is none."""

    status: Status
    error: float | None = None
    worst: Worst | None = None
    reason: str = ""
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One wrt name."""

    name: str
    shape: tuple[int, ...]
    elements: int
    symbolic: Comparison
    differences: Comparison

    @property
    def verdict(self) -> str:
        """`ok` where both methods agree with the compiled gradient, `in part` where one wasn't possible."""
        found = {self.symbolic.status, self.differences.status}
        if "differs" in found:
            return "DIFFERS"
        if found == {"ok"}:
            return "ok"
        return "in part" if "ok" in found else "not checked"


@dataclass(frozen=True)
class Report:
    """The outcome of a check: a row for each wrt name, a comparison for each output's value.

    `own` says whether an adjoint that the model brings is the derivative of its function. It need not be:
    the rows take it as it is.
    """

    model: str
    target: str | None
    sizes: tuple[tuple[str, int], ...]
    seed: int
    points: int
    rows: tuple[Row, ...]
    values: tuple[tuple[str, Comparison], ...]
    own: Mapping[str, Comparison] = field(default_factory=dict)  # adjoints of the model's own, by function

    @property
    def ok(self) -> bool:
        """Whether nothing differs; what was not checked does not differ."""
        rows = all(row.verdict != "DIFFERS" for row in self.rows)
        return rows and all(value.status != "differs" for _, value in self.values)


def not_checked(reason: str) -> Comparison:
    return Comparison("not checked", reason=reason)


def compare(
    elements: Sequence[str],
    compiled: Sequence[float],
    expected: Sequence[float],
    atol: Sequence[float],
    rtol: float,
    *methods: str,
) -> Comparison:
    """|a - b| <= atol + rtol max(|a|, |b|, ‖b‖ / 1000) for every element; NaN agrees with NaN alone."""
    largest = max(map(abs, expected), default=0.0)
    excess: list[tuple[float, float, Worst]] = []
    for element, a, b, floor in zip(elements, compiled, expected, atol):
        scale = max(abs(a), abs(b), SMALL_PART * largest)
        gap = 0.0 if a == b or (isnan(a) and isnan(b)) else abs(a - b)
        error = gap / scale if gap else 0.0
        allowed = floor + rtol * scale
        excess.append((_ratio(gap, allowed), error, Worst(element, a, b)))
    if not excess:
        return Comparison("ok", 0.0, methods=methods)
    ratio, error, worst = max(excess, key=lambda e: e[0])
    return Comparison("ok" if ratio <= 1.0 else "differs", error, worst, methods=methods)


def _ratio(gap: float, allowed: float) -> float:
    if gap == 0.0:
        return 0.0
    return float("inf") if isnan(gap) or not allowed > 0.0 else gap / allowed


def merge(first: Comparison, second: Comparison) -> Comparison:
    """Both outcomes as one: a difference anywhere is a difference, one check that could be made counts."""
    order = {"differs": 2, "ok": 1, "not checked": 0}
    better, other = sorted((first, second), key=lambda c: (order[c.status], c.error or 0.0), reverse=True)
    if other.status == "not checked":
        return better
    return replace(better, methods=tuple(dict.fromkeys(first.methods + second.methods)))
