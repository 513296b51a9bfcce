"""The initialisers that emitted modules contain, as real functions; copied as `guards.py` are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

if TYPE_CHECKING:  # NumPy imports its random numbers when they are first asked for
    from numpy.random import Generator


def _xavier(rng: Generator, *shape: int) -> ndarray:
    """Glorot's uniform: ±sqrt(6 / (fan_in + fan_out)); the last two axes lead from inputs to outputs."""
    fan_in, fan_out = shape[-2:] if len(shape) > 1 else (*shape, *shape)
    limit = math.sqrt(6.0 / max(fan_in + fan_out, 1))
    return rng.uniform(-limit, limit, shape)


def _xavier_kernels(rng: Generator, outputs: int, inputs: int, *kernel: int) -> ndarray:
    """Glorot's uniform for the weights of a convolution, whose kernel feeds each output."""
    limit = math.sqrt(6.0 / max((outputs + inputs) * math.prod(kernel), 1))
    return rng.uniform(-limit, limit, (outputs, inputs, *kernel))


def _kaiming(rng: Generator, *shape: int) -> ndarray:
    """He's normal for ReLU: deviation sqrt(2 / fan_in); the last axis but one counts the inputs."""
    fan_in = shape[-2] if len(shape) > 1 else shape[0]
    return rng.normal(0.0, math.sqrt(2.0 / max(fan_in, 1)), shape)


def _kaiming_kernels(rng: Generator, outputs: int, inputs: int, *kernel: int) -> ndarray:
    """He's normal for the weights of a convolution, whose kernel feeds each output."""
    deviation = math.sqrt(2.0 / max(inputs * math.prod(kernel), 1))
    return rng.normal(0.0, deviation, (outputs, inputs, *kernel))


def _orthogonal(rng: Generator, *shape: int) -> ndarray:
    """Matrices with orthonormal rows or columns, whichever are fewer, uniformly distributed."""
    *stack, rows, columns = shape
    normal = rng.standard_normal((*stack, max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    result: ndarray = q if rows >= columns else np.swapaxes(q, -1, -2).copy()
    return result
