"""The initialisers that emitted modules contain, as real functions; copied as `guards.py` are."""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray
from numpy.random import Generator


def _fans(shape: tuple[int, ...], kernel: int) -> tuple[int, int]:
    """How many inputs and outputs [inputs, outputs] or [outputs, inputs, *kernel] connects."""
    if kernel:
        size = math.prod(shape[-kernel:])
        return shape[1] * size, shape[0] * size
    return (shape[-2], shape[-1]) if len(shape) > 1 else (shape[0], shape[0])


def _xavier(rng: Generator, *shape: int, kernel: int = 0) -> ndarray:
    """Glorot's uniform: ±sqrt(6 / (fan_in + fan_out)); `kernel` counts the axes of a kernel."""
    fan_in, fan_out = _fans(shape, kernel)
    limit = math.sqrt(6.0 / max(fan_in + fan_out, 1))
    return rng.uniform(-limit, limit, shape)


def _kaiming(rng: Generator, *shape: int, kernel: int = 0) -> ndarray:
    """He's normal for ReLU: deviation sqrt(2 / fan_in); `kernel` counts the axes of a kernel."""
    fan_in, _ = _fans(shape, kernel)
    return rng.normal(0.0, math.sqrt(2.0 / max(fan_in, 1)), shape)


def _orthogonal(rng: Generator, *shape: int) -> ndarray:
    """Matrices with orthonormal rows or columns, whichever are fewer, uniformly distributed."""
    *stack, rows, columns = shape
    normal = rng.standard_normal((*stack, max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    result: ndarray = q if rows >= columns else np.swapaxes(q, -1, -2).copy()
    return result
