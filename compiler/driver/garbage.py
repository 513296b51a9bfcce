"""Compiling without garbage collection.

>>> import gc
>>> with uncollected():
...     gc.isenabled()
False
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection: graphs have no cycles, and what is made is needed nearly to the end."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            _grow_old()
            gc.enable()


def spare_the_last() -> None:
    """For a process that ends: the interpreter's last collection would go through all that was imported."""
    gc.freeze()


def _grow_old() -> None:
    """Count all objects as old ones, lest the collector goes through them at once."""
    if not gc.get_freeze_count():  # what somebody else has frozen stays so
        gc.freeze()
        gc.unfreeze()
