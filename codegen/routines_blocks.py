"""Routines that compute functions of each element for some thousand elements at a time, or one by one.

>>> x = np.linspace(0.0, 1.0, 20_000)
>>> y = _blockwise(np.sqrt, x, out=np.empty_like(x))
>>> float(abs(y - np.sqrt(x)).max())
0.0
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray


def _blockwise(function: Callable[..., ndarray], *operands: Any, out: ndarray) -> ndarray:
    """A function of each element into given memory: what it makes on the way is for one block at a time."""
    if out.size <= 8192:
        out[...] = function(*operands)
        return out
    arrays = [x for x in operands if isinstance(x, ndarray)]
    modes: list[list[Any]] = [["readonly"]] * len(arrays) + [["writeonly"]]
    with np.nditer((*arrays, out), ["external_loop", "buffered"], modes, buffersize=8192) as blocks:
        for *block, result in blocks:
            parts = iter(block)
            given = (next(parts) if isinstance(x, ndarray) else x for x in operands)
            result[...] = function(*given)
    return out


def _few_or_many(
    x: ndarray,
    one: Callable[[float], float],
    many: Callable[..., ndarray],
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """A function of each element that has two forms: few elements are quicker one by one."""
    if x.size > 48 or x.dtype != np.float64:
        return many(x, out, scratch)
    values = np.array([one(value) for value in x.ravel().tolist()]).reshape(x.shape)
    if out is None:
        return values
    out[...] = values
    return out
