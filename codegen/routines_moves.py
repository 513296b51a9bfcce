"""Routines that move elements into given memory: what NumPy's functions of these names make new arrays for.

>>> x = np.array([[3.0, 1.0], [4.0, 5.0]])
>>> _argmax(x, 0).tolist(), _picked(x, np.array([0, 1]), np.array([1, 0])).tolist()
([1, 1], [1.0, 4.0])
>>> _tril(x).tolist(), _repeated(x[0], 2, 0).tolist(), _tiled(x[0], (2,)).tolist()
([[3.0, 0.0], [4.0, 5.0]], [3.0, 3.0, 1.0, 1.0], [3.0, 1.0, 3.0, 1.0])
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from .routines_memory import _are_within, _constant, _numbers, _room

# --- one element along an axis -------------------------------------------------------------------


def _argmax(
    x: ndarray,
    axis: int,
    keepdims: bool = False,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """x.argmax(axis=axis), of elements that lie side by side."""
    x, axis, places = _side_by_side(x, axis, keepdims, out, scratch)
    found: ndarray = x.argmax(axis=axis, out=places, keepdims=keepdims and places is out)
    return found if out is None else out


def _argmin(
    x: ndarray,
    axis: int,
    keepdims: bool = False,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """x.argmin(axis=axis), of elements that lie side by side."""
    x, axis, places = _side_by_side(x, axis, keepdims, out, scratch)
    found: ndarray = x.argmin(axis=axis, out=places, keepdims=keepdims and places is out)
    return found if out is None else out


def _side_by_side(
    x: ndarray, axis: int, keepdims: bool, out: ndarray | None, scratch: dict[str, ndarray] | None
) -> tuple[ndarray, int, ndarray | None]:
    """x, its axis and `out`; if x is large and there is memory for it, with the axis as the last one."""
    in_order = axis == x.ndim - 1 and x.flags.c_contiguous
    if out is None or scratch is None or in_order or x.size < 512:
        return x, axis, out
    turned = x.transpose(*range(axis), *range(axis + 1, x.ndim), axis)
    room = _room(scratch, "turned", turned.shape, x.dtype)
    np.copyto(room, turned)
    return room, -1, out.reshape(turned.shape[:-1])


def _places_along(x: ndarray, places: ndarray, axis: int, scratch: dict[str, ndarray]) -> ndarray:
    """Where in the memory of x, which is in order, the elements are that `places` counts along an axis."""
    if axis == x.ndim - 1:
        at = _room(scratch, "places", places.shape[:-1], np.int64)
        np.add(_numbers(scratch, at.size, x.shape[axis]).reshape(at.shape), places[..., 0], out=at)
        return at[..., None]
    outer, inner = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    at = _room(scratch, "places", (outer, inner), np.int64)
    np.multiply(places.reshape(outer, inner), inner, out=at)
    at += _numbers(scratch, inner)
    if outer > 1:
        at += _numbers(scratch, outer, x.shape[axis] * inner)[:, None]
    return at.reshape(places.shape)


def _put_along(
    x: ndarray, places: ndarray, g: ndarray, axis: int, scratch: dict[str, ndarray] | None = None
) -> None:
    """np.put_along_axis(x, places, g, axis)."""
    if scratch is not None and x.flags.c_contiguous:
        x.reshape(-1)[_places_along(x, places, axis, scratch)] = g
    elif scratch is not None and x.flags.f_contiguous:
        _put_along(x.T, places.T, g.T, x.ndim - 1 - axis, scratch)
    else:
        np.put_along_axis(x, places, g, axis)


def _take_along(
    x: ndarray,
    places: ndarray,
    axis: int,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """np.take_along_axis(x, places, axis) for places that were found in an array of this shape."""
    if out is not None and scratch is not None and x.flags.c_contiguous:
        return x.reshape(-1).take(_places_along(x, places, axis, scratch), 0, out, "clip")
    taken = np.take_along_axis(x, places, axis)
    if out is None:
        return taken
    np.copyto(out, taken)
    return out


# --- single elements -----------------------------------------------------------------------------


def _in_memory(x: ndarray, places: tuple[ndarray, ...], scratch: dict[str, ndarray] | None) -> ndarray | None:
    """Where in its memory x[places] are, if these are many, and all of them there."""
    shape = places[0].shape
    if places[0].size < 512 or not x.flags.forc or any(place.shape != shape for place in places):
        return None
    pairs = list(zip(x.shape, places))
    if not all(_are_within(place, size) for size, place in pairs):
        return None
    pairs = pairs if x.flags.c_contiguous else pairs[::-1]
    at, before = _room(scratch, "places", shape, np.int64), pairs[0][1]
    for size, place in pairs[1:]:
        before = np.multiply(before, size, out=at)
        at += place
    return at


def _of_rows(
    x: ndarray, rows: ndarray, labels: ndarray, scratch: dict[str, ndarray] | None
) -> ndarray | None:
    """Where in its memory x[rows, labels] are, for all of its rows, if they are many and all there."""
    n, width = x.shape
    if scratch is None or n < 256 or not x.flags.forc or not _are_within(labels, width):
        return None
    at = _room(scratch, "places", labels.shape, np.int64)
    if x.flags.c_contiguous:
        np.add(_numbers(scratch, n, width), labels, out=at)
    else:
        np.multiply(labels, n, out=at)
        at += rows
    return at


def _picked(
    x: ndarray,
    *places: ndarray,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """x[places]: single elements."""
    return _taken_from(x, places, _in_memory(x, places, scratch), out)


def _labelled(
    x: ndarray,
    rows: ndarray,
    labels: ndarray,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """x[rows, labels], of each row the element that its label names: `rows` are all from the first on."""
    return _taken_from(x, (rows, labels), _of_rows(x, rows, labels, scratch), out)


def _taken_from(x: ndarray, places: tuple[ndarray, ...], at: ndarray | None, out: ndarray | None) -> ndarray:
    """x[places], which are at some places of its memory, if that is known."""
    if at is not None:
        return x.reshape(-1, order="A").take(at, 0, out, "clip")
    if out is None:
        picked: ndarray = x[places]
        return picked
    if out.size <= 512:
        out[...] = x[places]
        return out
    step = max(512 * len(out) // out.size, 1)
    for start in range(0, len(out), step):  # NumPy makes a new array of each part
        some = slice(start, start + step)
        out[some] = x[tuple([place[some] for place in places])]
    return out


def _decrement(x: ndarray, rows: ndarray, labels: ndarray, scratch: dict[str, ndarray] | None = None) -> None:
    """x[rows, labels] -= 1.0, for all of its rows."""
    at = _of_rows(x, rows, labels, scratch)
    if at is None:
        x[rows, labels] -= 1.0
    else:
        np.subtract.at(x.reshape(-1, order="A"), at, x.dtype.type(1.0))


# --- copies --------------------------------------------------------------------------------------


def _repeated(x: ndarray, times: int, axis: int, out: ndarray | None = None) -> ndarray:
    """np.repeat(x, times, axis)."""
    if out is None:
        return np.repeat(x, times, axis)
    parts = out.reshape(*x.shape[: axis + 1], times, *x.shape[axis + 1 :])
    if times > 16 or axis < x.ndim - 1:
        parts[...] = np.expand_dims(x, axis + 1)
    else:
        for i in range(times):
            parts[(slice(None),) * (axis + 1) + (i,)] = x
    return out


def _tiled(x: ndarray, times: tuple[int, ...], out: ndarray | None = None) -> ndarray:
    """np.tile(x, times), with a number for each axis."""
    if out is None:
        return np.tile(x, times)
    parts = out.reshape([size for pair in zip(times, x.shape) for size in pair])
    parts[...] = np.expand_dims(x, tuple(range(0, 2 * x.ndim, 2)))
    return out


def _filled(value: float, out: ndarray) -> ndarray:
    """An array of one number, in given memory."""
    out.fill(value)
    return out


def _copied(x: ndarray, out: ndarray) -> ndarray:
    """The elements of x in the order of its axes, in memory of another shape."""
    np.copyto(out.reshape(x.shape), x)
    return out


def _with_rim(
    x: ndarray, rims: tuple[tuple[int, int], ...], mode: str, out: ndarray | None = None
) -> ndarray:
    """np.pad(x, rims, mode=mode), with a rim of x's own elements."""
    if out is None or not x.size:
        pad: Any = np.pad
        padded: ndarray = pad(x, rims, mode=mode)
        return padded
    out[_inside(x.shape, rims)] = x
    for axis, (n, (before, after)) in enumerate(zip(x.shape, rims)):
        rows = _slabs(out, x.shape, rims, axis)
        for i in (*range(-before, 0), *range(n, n + after)):
            rows[before + i] = rows[before + _source(i, n, mode)]
    return out


def _without_rim(
    g: ndarray,
    rims: tuple[tuple[int, int], ...],
    mode: str,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """Each element of the rim added to the one that `_with_rim` took it from."""
    whole = _room(scratch, "rim", g.shape, g.dtype)
    np.copyto(whole, g)
    shape = tuple(n - before - after for n, (before, after) in zip(g.shape, rims))
    for axis in reversed(range(g.ndim)):
        n, (before, after) = shape[axis], rims[axis]
        rows = _slabs(whole, shape, rims, axis)
        for i in (*range(-before, 0), *range(n, n + after)):
            rows[before + _source(i, n, mode)] += rows[before + i]
    inside: ndarray = whole[_inside(shape, rims)]
    out = np.empty(shape, g.dtype) if out is None else out
    np.copyto(out, inside)
    return out


def _source(i: int, n: int, mode: str) -> int:
    """Which of n elements continues them at position i, in one of np.pad's modes."""
    if mode == "edge":
        return min(max(i, 0), n - 1)
    if mode == "wrap":
        return i % n
    i %= max(2 * n - 2, 1) if mode == "reflect" else 2 * n
    return i if i < n else 2 * n - 2 - i + (mode == "symmetric")


def _inside(shape: tuple[int, ...], rims: tuple[tuple[int, int], ...]) -> tuple[Any, ...]:
    """The index of what is inside of the rims."""
    return tuple(slice(before, before + n) for n, (before, _) in zip(shape, rims))


def _slabs(x: ndarray, shape: tuple[int, ...], rims: tuple[tuple[int, int], ...], axis: int) -> ndarray:
    """The slabs of x along an axis, with their rims along the axes before it alone."""
    inside = _inside(shape, rims)
    return np.moveaxis(x[(slice(None),) * (axis + 1) + inside[axis + 1 :]], axis, 0)


# --- triangles, diagonals ------------------------------------------------------------------------


def _tril(
    x: ndarray, k: int = 0, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """np.tril(x, k)."""
    if out is None:
        return np.tril(x, k)
    out.fill(0.0)
    np.copyto(out, x, where=_lower(x, k, scratch))
    return out


def _triu(
    x: ndarray, k: int = 0, out: ndarray | None = None, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """np.triu(x, k)."""
    if out is None:
        return np.triu(x, k)
    np.copyto(out, x)
    np.copyto(out, 0.0, where=_lower(x, k - 1, scratch))
    return out


def _diag(v: ndarray, k: int = 0, out: ndarray | None = None) -> ndarray:
    """np.diag(v, k) of a vector."""
    if out is None:
        return np.diag(v, k)
    out.fill(0.0)
    corner = out[max(-k, 0) :, max(k, 0) :][: len(v), : len(v)]
    np.einsum("ii->i", corner)[...] = v
    return out


def _lower(x: ndarray, k: int, scratch: dict[str, ndarray] | None) -> ndarray:
    """Which elements of matrices lie on or below a diagonal; not to be written to."""
    name, shape = f"lower {k}", x.shape[-2:]
    lower = None if scratch is None else scratch.get(name)
    if lower is None or lower.shape != shape:
        lower = _constant(np.tri(shape[0], shape[1], k, dtype=np.bool_))
        if scratch is not None:
            scratch[name] = lower
    return lower
