"""How long compilation takes: the command from the shell, and models of growing size.

    for line in measured(quick=True): print(line)

The smallest come first.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from .workload import EXAMPLES

GOALS = {"small": 0.4, "10000": 3.0}


@dataclass(frozen=True)
class Compilation:
    """What was compiled, at what level, in how many seconds; the length of the emitted text."""

    what: str
    level: int
    seconds: float
    characters: int = 0
    goal: float | None = None


def chain(ops: int) -> str:
    """A model of so many operations, each of which uses recent and older ones."""
    lines = (f"x{i} = sin(x{i - 1}) * 1.01 + x{max(0, i - 7)}" for i in range(1, ops // 3 + 1))
    return "input x0: real\n" + "\n".join(lines) + f"\noutput f = x{ops // 3}\ngrad f wrt x0\n"


def shell(name: str) -> float:
    """The command on an example, in a process of its own: the median of five."""
    command = [sys.executable, "-m", "autodiffc", str(EXAMPLES / f"{name}.dsl")]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return median(times)


def measured(quick: bool) -> Iterator[Compilation]:
    """From the small to the large."""
    import autodiffc

    for name in ("max", "classifier"):
        yield Compilation(f"`autodiffc {name}.dsl`", 1, shell(name), goal=GOALS["small"])
    for ops in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        for level in (1, 2):
            start = time.perf_counter()
            text = autodiffc.compile(chain(ops), level=level)
            seconds = time.perf_counter() - start
            yield Compilation(f"{ops:,} ops", level, seconds, len(text), GOALS.get(str(ops)))
