"""The peak of what a call allocates, beyond its arguments; and memory that code by hand keeps between calls.

>>> import numpy
>>> 8e6 <= peak_bytes(lambda: numpy.ones(10**6)) < 8.1e6
True
>>> kept("gates", 3, 4) is kept("gates", 3, 4)
True

Fresh large arrays cost page faults. What is kept is not for threads; nothing that is returned may lie in it.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np


@cache
def kept(name: str, *shape: int) -> Any:
    """An array of this name and shape, with whatever the last call has left in it."""
    return np.empty(shape)


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
