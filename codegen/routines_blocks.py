"""Routines that compute functions of each element in memory that is kept, for some at a time, or one by one.

>>> def bump(x: ndarray, out: ndarray | None, room: Sequence[Any]) -> ndarray:
...     value = np.exp(np.negative(x, out), out)
...     value *= np.tanh(x, room[0])
...     return value
>>> x, scratch = np.linspace(0.0, 1.0, 20_000), {}
>>> y = _by_element(bump, x, out=np.empty_like(x), scratch=scratch, rows=2)
>>> float(abs(y - np.exp(-x) * np.tanh(x)).max()), [held.shape for held in scratch.values()]
(0.0, [(40000,)])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from autodiffc.compiler.special_blocks import _as_vectors, _in_blocks, _room
from numpy import ndarray


def _by_element(
    function: Callable[..., ndarray],
    *operands: ndarray,
    out: ndarray | None,
    scratch: dict[str, ndarray] | None,
    rows: int,
) -> ndarray:
    """A function of each element: few at once, many by blocks, in memory that is kept.

    It is given `out` for its result and so many arrays to compute in, or None: NumPy makes them.
    """
    shape = np.shape(operands[0])
    alike = bool(shape) and all(np.shape(x) == shape for x in operands[1:])
    if out is None and alike:
        if scratch is None or operands[0].size <= 4096:
            return function(*operands, None, (None,) * rows)
        out = np.empty_like(operands[0], np.result_type(*operands))
        vectors = _as_vectors((*operands, out))
        if vectors is not None and out.size <= 65536:  # which is new: nothing is read from it
            function(*vectors, _room(scratch, "few", (rows, out.size), out.dtype)[1:])
            return out
    if out is not None and alike and out.size <= 512:
        out[...] = function(*operands, None, (None,) * rows)
        return out
    in_order = alike and all(x.flags.c_contiguous for x in operands)
    if out is not None and in_order and out.size <= 65536:
        room = _room(scratch, "few", (rows, *shape), out.dtype)
        out[...] = function(*operands, room[0], room[1:])
        return out
    y: ndarray = _in_blocks(function, *operands, out=out, scratch=scratch, rows=rows, dtype=None)
    return y


def _masks(x: ndarray | None) -> Sequence[Any]:
    """Two masks of an array's shape, in its memory."""
    if x is None:
        return None, None
    both = x.reshape(-1).view(np.bool_)[: 2 * x.size]
    return [*both.reshape(2, *x.shape)]


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
