"""Routines on windows that slide over the last axes of x[N, C, …]: convolutions and pools.

>>> x = np.arange(9.0).reshape(1, 1, 3, 3)
>>> _patches(x, (2, 2)).reshape(4, 4)[0].tolist(), _window_argmax(x, (2, 2)).ravel().tolist()
([0.0, 1.0, 3.0, 4.0], [4, 5, 7, 8])
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from .routines_array import _in_order
from .routines_memory import _numbers, _room


def _members(
    kernel: tuple[int, ...],
    places: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> list[tuple[tuple[int, ...], tuple[Any, ...]]]:
    """For each element of a window the index by which all windows have it."""
    steps = list(zip(places, stride, dilation))
    return [
        (k, (..., *(slice(i * d, i * d + (m - 1) * s + 1, s) for i, (m, s, d) in zip(k, steps))))
        for k in np.ndindex(*kernel)
    ]


def _padded(
    x: ndarray, padding: tuple[int, ...], value: float, scratch: dict[str, ndarray] | None = None
) -> ndarray:
    """x[N, C, …] with a rim around its last axes."""
    if not any(padding):
        return x
    sizes = [n + 2 * p for n, p in zip(x.shape[2:], padding)]
    out = _room(scratch, "padded", (*x.shape[:2], *sizes), x.dtype)
    out.fill(value)
    inside: tuple[Any, ...] = (..., *(slice(p, n - p) for n, p in zip(sizes, padding)))
    out[inside] = x
    return out


def _patches(
    x: ndarray,
    kernel: tuple[int, ...],
    stride: tuple[int, ...] = (1, 1),
    padding: tuple[int, ...] = (0, 0),
    dilation: tuple[int, ...] = (1, 1),
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """Every element of every window of x[N, C, …], as [C, *kernel, N, *places]."""
    x = _padded(x.swapaxes(0, 1), padding, 0.0, scratch)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    places = tuple((n - span) // s + 1 for n, span, s in zip(x.shape[2:], spans, stride))
    if out is None:
        out = np.empty((len(x), *kernel, x.shape[1], *places), x.dtype)
    for k, at in _members(kernel, places, stride, dilation):
        member: tuple[Any, ...] = (slice(None), *k)
        out[member] = x[at]
    return out


def _fold(
    g: ndarray,
    sizes: tuple[int, ...],
    stride: tuple[int, ...] = (1, 1),
    padding: tuple[int, ...] = (0, 0),
    dilation: tuple[int, ...] = (1, 1),
    out: ndarray | None = None,
) -> ndarray:
    """Each element of each window added up at its place in x: the adjoint of _patches."""
    axes = len(sizes)
    kernel, places = g.shape[1 : 1 + axes], g.shape[2 + axes :]
    if out is None:
        out = np.empty((len(g), g.shape[1 + axes], *sizes), g.dtype).swapaxes(0, 1)
    planes = out.swapaxes(0, 1)
    planes.fill(0.0)
    for k in np.ndindex(*kernel):
        at: list[slice] = []  # the windows of which element k is no rim, and where in x that is
        taken: list[slice] = []
        for i, n, m, s, p, d in zip(k, sizes, places, stride, padding, dilation):
            offset = i * d - p
            first, last = max(-(offset // s), 0), min(-((offset - n) // s), m)
            taken.append(slice(first, max(first, last)))
            start = first * s + offset
            at.append(slice(start, max((last - 1) * s + offset + 1, start), s))
        member: tuple[Any, ...] = (slice(None), *k, slice(None), *taken)
        inside: tuple[Any, ...] = (..., *at)
        planes[inside] += g[member]
    return out


def _window_max(
    x: ndarray,
    kernel: tuple[int, ...],
    stride: tuple[int, ...] = (1, 1),
    padding: tuple[int, ...] = (0, 0),
    dilation: tuple[int, ...] = (1, 1),
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """The largest element of each window of x[N, C, …]; NaN where it has one."""
    wide = _padded(x, padding, -np.inf, scratch)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    places = tuple((n - span) // s + 1 for n, span, s in zip(wide.shape[2:], spans, stride))
    (_, first), *rest = _members(kernel, places, stride, dilation)
    if out is None:
        out = np.empty((*x.shape[:2], *places), x.dtype)
    np.copyto(out, wide[first])
    for _, at in rest:
        np.maximum(out, wide[at], out=out)
    return out


def _window_argmax(
    x: ndarray,
    kernel: tuple[int, ...],
    stride: tuple[int, ...] = (1, 1),
    padding: tuple[int, ...] = (0, 0),
    dilation: tuple[int, ...] = (1, 1),
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """Where in x.ravel() the first largest element of each window is; a NaN is the largest."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    sizes = zip(x.shape[2:], padding, spans, stride)
    shape = (*x.shape[:2], *((n + 2 * p - span) // s + 1 for n, p, span, s in sizes))
    best = _room(scratch, "largest", shape, x.dtype)
    _window_max(x, kernel, stride, padding, dilation, out=best, scratch=scratch)
    hit = _room(scratch, "hit", shape, np.bool_)
    any_nan = bool(np.isnan(best, out=hit).any())
    wide = _padded(x, padding, -np.inf, scratch)
    strides = [int(np.prod(x.shape[axis + 1 :])) for axis in range(x.ndim)]
    where = np.empty(shape, np.int64) if out is None else out
    where.fill(0)
    for member, at in reversed(_members(kernel, shape[2:], stride, dilation)):
        np.equal(wide[at], best, out=hit)
        if any_nan:
            hit |= np.isnan(wide[at])
        place = sum(i * d * step for i, d, step in zip(member, dilation, strides[2:]))
        np.copyto(where, place, where=hit)
    if any(padding) and np.equal(best, -np.inf, out=hit).any():
        _leave_rim(where, hit, strides, stride, padding, dilation)
    for axis, (n, s, p) in enumerate(zip(shape, (1, 1, *stride), (0, 0, *padding))):
        steps = _room(scratch, "steps", (n,), np.int64)
        np.multiply(_numbers(scratch, n), s * strides[axis], out=steps)
        steps -= p * strides[axis]
        where += steps.reshape(-1, *[1] * (x.ndim - 1 - axis))  # where the windows begin
    return where


def _add_flat(
    total: ndarray, places: ndarray, values: ndarray, scratch: dict[str, ndarray] | None = None
) -> None:
    """Each value added at its place in total.ravel()."""
    np.add.at(total.reshape(-1), places.reshape(-1), _in_order(values, total.dtype, scratch))


def _leave_rim(
    where: ndarray,
    empty: ndarray,
    strides: list[int],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> None:
    """Have windows of nothing but -inf point at their first element that lies in x."""
    steps = np.zeros((), int)
    for n, s, p, d, step in zip(where.shape[2:], stride, padding, dilation, strides[2:]):
        first = np.arange(n) * s - p
        steps = steps[..., None] + np.where(first < 0, first % d - first, 0) * step
    np.copyto(where, steps, where=empty)
