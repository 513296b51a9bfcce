"""How special functions of arrays are computed: for some thousand elements at a time, in memory that is kept.

>>> def hypotenuse(x: ndarray, y: ndarray, out: ndarray, room: ndarray) -> ndarray:
...     np.square(x, out)
...     out += np.square(y, room[0])
...     return np.sqrt(out, out)
>>> _in_blocks(hypotenuse, np.array([3.0, 5.0]), np.array([4.0, 12.0]), rows=2)
array([ 5., 13.])

Such a function is given blocks, `out` for its result, and `room`, arrays of the same length to compute in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

_REAL = np.float64


def _room(
    scratch: dict[str, ndarray] | None, name: str, shape: tuple[int, ...], dtype: Any = _REAL
) -> ndarray:
    """Memory for what a routine computes on the way: what it had before under this name, or new."""
    if scratch is None:
        return np.empty(shape, dtype)
    size = math.prod(shape)
    held = scratch.get(name)
    if held is None or len(held) < size or held.dtype != dtype:
        held = scratch[name] = np.empty(size, dtype)
    found: ndarray = held[:size].reshape(shape)
    return found


def _in_blocks(
    function: Callable[..., ndarray],
    *operands: Any,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
    rows: int,
    dtype: Any = np.float64,
) -> Any:
    """A function of each element, which is given blocks and so many arrays; dtype None: in its result's."""
    if out is None:
        shape = np.broadcast_shapes(*map(np.shape, operands))
        out = np.empty(shape, np.result_type(*operands))
        return _in_blocks(function, *operands, out=out, scratch=scratch, rows=rows, dtype=dtype)[()]
    dtype = np.dtype(dtype or out.dtype)
    n = min(out.size, 8192)  # what the cache holds
    arrays = (*operands, out)
    vectors = _as_vectors(arrays)
    others = 0 if vectors is None else sum(x.dtype != dtype for x in vectors[:-1])
    room = _room(scratch, "blocks", (rows + others, n + 72), dtype)  # not in step with the cache
    room = room[:, :n]
    if vectors is not None:
        for start in range(0, out.size, max(n, 1)):
            *block, result = (x[start : start + n] for x in vectors)
            some = room[:, : len(result)]
            copies = iter(some[rows:])
            block = [x if x.dtype == dtype else _begun(x, next(copies)) for x in block]
            result[...] = function(*block, some[0], some[1:rows])
        return out
    modes: list[list[Any]] = [["readonly"]] * len(operands) + [["writeonly"]]
    types = [dtype] * len(operands) + [out.dtype]
    flags: Any = ["external_loop", "buffered", "zerosize_ok"]
    with np.nditer(arrays, flags, modes, types, "K", "same_kind", buffersize=8192) as blocks:
        for *block, result in blocks:
            result[...] = function(*block, room[0, : len(result)], room[1:, : len(result)])
    return out


def _as_vectors(arrays: tuple[Any, ...]) -> list[ndarray] | None:
    """Arrays that lie in one order, element by element in it."""
    if any(type(x) is not ndarray or x.shape != arrays[-1].shape for x in arrays):
        return None
    if all(x.flags.c_contiguous for x in arrays):
        return [x.reshape(-1) for x in arrays]
    if all(x.flags.f_contiguous for x in arrays):
        return [x.T.reshape(-1) for x in arrays]
    return None


def _by_interval(
    x: ndarray,
    edges: tuple[float, ...],
    branches: tuple[Callable[..., ndarray], ...],
    out: ndarray,
    room: ndarray,
    *others: ndarray,
) -> ndarray:
    """Each branch on those elements of x that lie between its edges."""
    (marks, places), room = room[:2], room[2:]
    before, below, mine = marks.view(np.bool_)[: 3 * len(x)].reshape(3, -1)
    before.fill(False)
    done = 0
    for edge, branch in zip((*edges, None), branches):
        below.fill(True) if edge is None else np.less(x, edge, below)
        count = np.count_nonzero(below) - done
        if count == len(x) > 0:
            return branch(x, *others, out, room)
        if count:
            np.greater(below, before, mine)
            at = mine.nonzero()[0] if count <= 2048 else _indices(mine, places.view(np.int64))
            some = room[:, :count]
            parts = [part.take(at, None, row, "clip") for part, row in zip((x, *others), some)]
            some = some[len(parts) :]
            out[at] = branch(*parts, some[0], some[1:])
            before, below = below, before
            done += count
    return out


def _indices(mask: ndarray, out: ndarray) -> ndarray:
    """Where a mask is true, found for a part at a time: NumPy's own function takes no memory."""
    count = 0
    for start in range(0, len(mask), 2048):
        found = mask[start : start + 2048].nonzero()[0]
        np.add(found, start, out[count : count + len(found)])
        count += len(found)
    return out[:count]


def _one_by_one(function: Callable[[float], float], x: ndarray, out: ndarray | None = None) -> ndarray:
    """A function of Python floats on each element, in double precision: what is quickest for few."""
    if out is None:
        return _one_by_one(function, x, np.empty(x.shape, x.dtype))[()]
    numbers: Any = x.ravel().data  # makes one Python float after the other, no list of them
    out[...] = np.fromiter(map(function, numbers), np.float64, x.size).reshape(x.shape)
    return out


def _begun(value: Any, out: ndarray | None) -> Any:
    """What a formula goes on from with `+=` and its like: a float itself, or given memory with it."""
    if out is None:
        return value
    out[...] = value
    return out


def _polynomial(x: Any, coefficients: tuple[float, ...], out: ndarray | None = None) -> Any:
    """The polynomial with these coefficients, the highest power first, by Horner's rule."""
    if out is None:
        total = coefficients[0] * x
        for coefficient in coefficients[1:-1]:
            total = (total + coefficient) * x
        return total + coefficients[-1]
    first, *middle, last = map(np.array, coefficients)  # NumPy is quicker with them than floats
    np.multiply(x, first, out)
    for term in middle:
        np.add(out, term, out)
        np.multiply(out, x, out)
    return np.add(out, last, out)
