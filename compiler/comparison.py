"""What a gradient check finds: numbers compared, with a verdict and the worst element.

>>> compare(["w[0]", "w[1]"], [1.0, 2.0], [1.0, 2.5], [0.0, 0.0], rtol=1e-9).status
'differs'

What could not be compared is `not checked`, with the reason in words; it never counts as passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from math import isfinite, sqrt
from typing import Literal

import numpy as np
from autodiffc.grammar.records import record

from .ir import Array

Status = Literal["ok", "differs", "not checked"]
Numbers = Sequence[float] | Array
SINGLE = 1e-5  # the relative tolerance of a float32 module
ROUNDING = 64.0  # units of rounding error that a sum of cancelling terms may have
SMALL_PART = 1e-3  # of the largest element: smaller ones are held to that


@record(frozen=True)
class Worst:
    """The element where two disagree most."""

    element: str
    compiled: float
    expected: float


@record(frozen=True)
class Comparison:
    """The outcome of one method: the largest relative error, where it is, or why there is none."""

    status: Status
    error: float | None = None
    worst: Worst | None = None
    reason: str = ""
    methods: tuple[str, ...] = ()


@record(frozen=True)
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


@record(frozen=True)
class Finding:
    """What a law between the functions of a module came to."""

    function: str
    law: str
    outcome: Comparison


@record(frozen=True)
class Report:
    """The outcome of a check: a row for each wrt name, a comparison for each output's value.

    `own` says whether an adjoint that the model brings is the derivative of its function; the rows take it as
    it is. One of the `surrogates` need not be: its function has no slope, or the user says so.
    """

    model: str
    target: str | None
    sizes: tuple[tuple[str, int], ...]
    seed: int
    points: int
    rows: tuple[Row, ...]
    values: tuple[tuple[str, Comparison], ...]
    own: Mapping[str, Comparison] = field(default_factory=dict)  # adjoints of the model's own, by function
    laws: tuple[Finding, ...] = ()
    surrogates: frozenset[str] = frozenset()

    @property
    def ok(self) -> bool:
        """Whether nothing differs; what was not checked does not differ."""
        rows = all(row.verdict != "DIFFERS" for row in self.rows)
        others = (*(value for _, value in self.values), *(law.outcome for law in self.laws))
        return rows and all(found.status != "differs" for found in others) and not self.wrong_adjoints

    @property
    def wrong_adjoints(self) -> list[str]:
        """The functions whose adjoint should be the derivative, and is not."""
        return [
            name for name, found in self.own.items()
            if found.status == "differs" and name not in self.surrogates
        ]  # fmt: skip


@record(frozen=True)
class Precision:
    """How exact a module's numbers are: float32 or float64, after a chain of operations of this depth."""

    single: bool
    depth: int

    @property
    def unit(self) -> float:
        return float(np.finfo(np.float32 if self.single else np.float64).eps)

    def tolerance(self, rtol: float) -> float:
        """The relative tolerance where it would be `rtol` for doubles."""
        return SINGLE * sqrt(self.depth) if self.single else rtol

    def floor(self, terms: float) -> float:
        """How far rounding may take a sum of terms of this size that cancel."""
        return ROUNDING * self.unit * terms if isfinite(terms) else 0.0


def not_checked(reason: str) -> Comparison:
    return Comparison("not checked", reason=reason)


def compare(
    elements: Sequence[str] | Callable[[int], str],
    compiled: Numbers,
    expected: Numbers,
    atol: Numbers,
    rtol: float,
    *methods: str,
) -> Comparison:
    """|a - b| <= atol + rtol max(|a|, |b|, ‖b‖ / 1000) for every element; NaN agrees with NaN alone.

    `elements` are what they are called.
    """
    a, b = np.ravel(np.asarray(compiled, float)), np.ravel(np.asarray(expected, float))
    if not a.size:
        return Comparison("ok", 0.0, methods=methods)
    with np.errstate(all="ignore"):
        sizes = np.fmax(np.abs(a), np.abs(b))
        scale = np.fmax(sizes, SMALL_PART * np.fmax.reduce(np.abs(b), initial=0.0))
        gap = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
        ratio = np.where(gap == 0.0, 0.0, gap / (np.ravel(atol) + rtol * scale))
        error = np.where(gap == 0.0, 0.0, gap / scale)
    ratio[np.isnan(ratio)] = np.inf
    k = int(np.argmax(ratio))
    name = elements(k) if callable(elements) else elements[k]
    worst = Worst(name, float(a[k]), float(b[k]))
    return Comparison("ok" if ratio[k] <= 1.0 else "differs", float(error[k]), worst, methods=methods)


def merge(first: Comparison, second: Comparison) -> Comparison:
    """Both outcomes as one: a difference anywhere is a difference, one check that could be made counts."""
    order = {"differs": 2, "ok": 1, "not checked": 0}
    better, other = sorted((first, second), key=lambda c: (order[c.status], c.error or 0.0), reverse=True)
    if other.status == "not checked":
        return better
    return replace(better, methods=tuple(dict.fromkeys(first.methods + second.methods)))
