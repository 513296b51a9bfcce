"""Routines on windows that slide over the last axes of x[N, C, …]: convolutions and pools.

>>> x = np.arange(9.0).reshape(1, 1, 3, 3)
>>> _patches(x, (2, 2)).reshape(4, 4)[0].tolist(), _window_argmax(x, (2, 2)).ravel().tolist()
([0.0, 1.0, 3.0, 4.0], [4, 5, 7, 8])
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray


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


def _padded(x: ndarray, padding: tuple[int, ...], value: float) -> ndarray:
    """x[N, C, …] with a rim around its last axes."""
    if not any(padding):
        return x
    sizes = [n + 2 * p for n, p in zip(x.shape[2:], padding)]
    out = np.full((*x.shape[:2], *sizes), value, x.dtype)
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
) -> ndarray:
    """Every element of every window of x[N, C, …], as [C, *kernel, N, *places]."""
    x = _padded(x, padding, 0.0).swapaxes(0, 1)
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
) -> ndarray:
    """Each element of each window added up at its place in x: the adjoint of _patches."""
    axes = len(sizes)
    kernel, places = g.shape[1 : 1 + axes], g.shape[2 + axes :]
    wide = [n + 2 * p for n, p in zip(sizes, padding)]
    out = np.zeros((len(g), g.shape[1 + axes], *wide), g.dtype)
    for k, at in _members(kernel, places, stride, dilation):
        member: tuple[Any, ...] = (slice(None), *k)
        out[at] += g[member]
    inside: tuple[Any, ...] = (..., *(slice(p, p + n) for n, p in zip(sizes, padding)))
    result: ndarray = out[inside].swapaxes(0, 1)
    return result


def _window_argmax(
    x: ndarray,
    kernel: tuple[int, ...],
    stride: tuple[int, ...] = (1, 1),
    padding: tuple[int, ...] = (0, 0),
    dilation: tuple[int, ...] = (1, 1),
) -> ndarray:
    """Where in x.ravel() the first largest element of each window is; a NaN is the largest."""
    wide = _padded(x, padding, -np.inf)
    corner, inside = np.zeros((), int), np.zeros((), int)
    strides: list[int] = []
    for size, rim, k, s, d in zip(x.shape[2:], padding, kernel, stride, dilation):
        first = np.arange(0, size + 2 * rim - d * (k - 1), s) - rim
        corner = corner[..., None] * size + first  # where a window begins …
        inside = inside[..., None] * size + np.where(first < 0, first % d, first)  # … in x
        strides = [*(step * size for step in strides), d]
    best = np.full((*x.shape[:2], *corner.shape), -np.inf, x.dtype)
    where: ndarray = np.broadcast_to(inside, best.shape).copy()
    for member, at in _members(kernel, corner.shape, stride, dilation):
        part = wide[at]
        better = ~(part <= best) & (best == best)
        np.copyto(best, part, where=better)
        np.copyto(where, corner + sum(i * step for i, step in zip(member, strides)), where=better)
    planes = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *[1] * len(kernel))
    where += planes * int(np.prod(x.shape[2:]))
    return where
