"""Times of many short batches, the contenders taking turns.

>>> times = interleaved({"square": (lambda x: x * x, (3.0,))}, batch=1e-4, rounds=5)
>>> len(times["square"])
5

What disturbs a machine for a while disturbs a round of all contenders, so ratios are taken within rounds.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from functools import cache
from itertools import repeat
from statistics import quantiles
from time import perf_counter, process_time
from typing import Any, NamedTuple

# Processor time doesn't count what others on a busy machine take; nor what a call waits for its own threads.
CLOCKS = {False: perf_counter, True: process_time}

FEWEST = 3
PATIENCE = 20  # a contender may take so many times what its batches should

Call = tuple[Callable[..., Any], tuple[Any, ...]]


class Spread(NamedTuple):
    """A median with its quartiles."""

    low: float
    median: float
    high: float


def spread(values: list[float]) -> Spread:
    return Spread(*quantiles(values, n=4)) if len(values) > 1 else Spread(*values * 3)


@cache
def loop(count: int) -> Callable[..., float]:
    """A loop whose calls name their arguments: unpacking a tuple would be a part of what is timed."""
    names = "".join(f"a{i}, " for i in range(count))
    unpack = f"    {names} = arguments\n" if count else ""
    text = (
        f"def run(n, f, arguments, clock, repeat):\n{unpack}    start = clock()\n"
        f"    for _ in repeat(None, n):\n        f({names})\n    return clock() - start\n"
    )
    scope: dict[str, Any] = {}
    exec(text, scope)
    timed: Callable[..., float] = scope["run"]
    return timed


def batch_seconds(call: Call, n: int, busy: bool = False) -> float:
    function, arguments = call
    return loop(len(arguments))(n, function, arguments, CLOCKS[busy], repeat) / n


def size_of_batch(call: Call, seconds: float, busy: bool = False) -> int:
    """How many calls take about so long, after warming up."""
    n = 1
    while (taken := batch_seconds(call, n, busy) * n) < seconds / 4 and n < 1 << 24:
        n *= 2
    return max(1, round(n * seconds / taken))


def interleaved(
    calls: Mapping[str, Call], batch: float, rounds: int, busy: bool = False
) -> dict[str, list[float]]:
    """Seconds of a call, in each round; in fewer rounds where a call takes long by itself."""
    gc.collect()
    sizes = {name: size_of_batch(call, batch, busy) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for done in range(rounds):
        for name, call in calls.items():
            spent = sum(times[name]) * sizes[name]
            if done < FEWEST or spent < PATIENCE * batch * rounds:
                times[name].append(batch_seconds(call, sizes[name], busy))
    return times
