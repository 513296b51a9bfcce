"""Answers that differ are told from those that don't, and aren't timed."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from cases import WORKLOADS
from contest.compare import difference
from contest.worker import run
from contest.workload import Answer

ONES = np.ones(3)


@pytest.mark.parametrize(
    ("found", "off"),
    [
        ((2.0, (ONES, 4.0)), 0.0),
        ((2.0 + 2e-6, (ONES, 4.0)), 1e-6),
        ((2.0, (ONES * (1 + 1e-3), 4.0)), 1e-3),
        ((2.0, (ONES, 4.4)), 0.1),
        ((2.0, (ONES[:2], 4.0)), math.inf),
        ((2.0, (ONES,)), math.inf),
        ((math.nan, (ONES, 4.0)), math.inf),
        ((2.0, (ONES * math.inf, 4.0)), math.inf),
    ],
)
def test_difference(found: Answer, off: float) -> None:
    assert difference(found, (2.0, (ONES, 4.0))) == pytest.approx(off, rel=1e-6)


def test_special_values_agree_with_themselves() -> None:
    answer = (math.inf, (np.array([math.nan, 1.0, -math.inf]),))
    assert difference(answer, answer) == 0.0


def test_zeros_are_compared_in_absolute_terms() -> None:
    assert difference((0.0, (1e-3,)), (0.0, (0.0,))) == 1e-3


def test_a_workload_without_its_data_is_left_out() -> None:
    def missing() -> dict[str, Any]:
        raise FileNotFoundError("its data is not there")

    results = run(dataclasses.replace(WORKLOADS["mgh_wood"], draw=missing), ("O1", "best"), 1e-4, 2)
    assert results == {name: {"skipped": "its data is not there"} for name in ("O1", "best")}


def test_a_contender_that_is_wrong_is_not_timed() -> None:
    """The code by hand is what others are held against: if it slips in a gradient, all levels differ."""
    workload = WORKLOADS["mgh_wood"]

    def slipped(*arguments: Any) -> Answer:
        assert workload.best is not None
        value, (first, *rest) = workload.best(*arguments)
        return value, (first + 1e-3 * abs(first), *rest)

    results = run(dataclasses.replace(workload, best=slipped), ("O1", "best"), 1e-4, 2)
    assert results["O1"]["wrong"].startswith("differs by ")
    assert "times" not in results["O1"]
    assert len(results["best"]["times"]) == 2
