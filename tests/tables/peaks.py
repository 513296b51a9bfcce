"""What a call allocates at most."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np


def peak(call: Callable[[], Any], inner: int | None = None) -> int:
    """The bytes; `inner`: with so many elements in the buffers inside NumPy's functions."""
    buffers = np.setbufsize(inner) if inner else 0
    gc.disable()  # what was allocated before stays
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        gc.enable()
        if inner:
            np.setbufsize(buffers)
