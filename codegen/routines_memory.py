"""Routines for memory that calls leave to later ones.

>>> memory = _taken(lambda n: [np.empty(n)], 3)
>>> _IDLE.append(memory)
>>> _taken(memory[0][0], 3) is memory, _taken(memory[0][0], 3) is memory
(True, False)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

_IDLE: deque[tuple[Any, ...]] = deque(maxlen=8)
__all__ = ["np"]


def _taken(make: Callable[..., list[Any]], *sizes: int) -> tuple[Any, ...]:
    """Memory for one call, after what tells whose it is: what an earlier call has left, or new."""
    wanted = make, sizes
    for _ in range(len(_IDLE)):
        try:
            memory = _IDLE.pop()
        except IndexError:  # another thread was quicker
            break
        if memory[0] == wanted:
            return memory
        _IDLE.appendleft(memory)
    return wanted, *make(*sizes)


def release() -> None:
    """Forget the memory that calls have left for later ones."""
    _IDLE.clear()
