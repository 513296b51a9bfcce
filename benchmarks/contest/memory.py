"""The peak of what a call allocates, beyond its arguments.

>>> import numpy
>>> 8e6 <= peak_bytes(lambda: numpy.ones(10**6)) < 8.1e6
True
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any


def peak_bytes(function: Callable[..., Any], *arguments: Any) -> int:
    """NumPy and Python report what they allocate; other libraries don't, and are not measured."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        function(*arguments)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
