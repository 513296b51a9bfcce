"""The workloads, by class. `WORKLOADS` has them all, those of the goals' table first."""

from __future__ import annotations

from dataclasses import replace

from contest.workload import Workload

from . import (
    adbench,
    elementwise,
    fits,
    formulas,
    mixtures,
    networks,
    orbits,
    recurrent,
    regressions,
    scalars,
)
from .losses import WOULD_TAKE

_MODULES = (scalars, networks, regressions, mixtures, elementwise, recurrent, orbits, adbench, fits, formulas)
_ALL = [
    replace(workload, would_take=WOULD_TAKE.get(workload.name, "").strip())
    for module in _MODULES
    for workload in module.WORKLOADS
]
WORKLOADS: dict[str, Workload] = {w.name: w for w in sorted(_ALL, key=lambda w: not w.goals)}
