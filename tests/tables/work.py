"""How much work a piece of code does, counted and not timed: the same on every machine.

>>> calls_of(lambda: [abs(i) for i in range(10)]) >= 10
True
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType


def calls_of(run: Callable[[], object]) -> int:
    """The number of calls, of Python's functions and of C's, that a run makes."""
    count = 0

    def watch(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(watch)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count
