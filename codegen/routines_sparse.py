"""Routines of sparse Jacobians and Hessians: lists of entries, seeds, the way back to dense arrays.

>>> _entries([(np.array([[1, 0], [2, 1], [2, -1]]), 0)], 3)
(array([0, 0, 1, 1, 2]), array([0, 1, 1, 2, 2]))
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .sparse_types import Sparse

_REAL = np.float64


def _once(keys: ndarray, columns: int) -> tuple[ndarray, ndarray]:
    """Rows and columns, each entry once, row by row."""
    keys = np.sort(keys)
    rows, cols = np.divmod(keys[np.diff(keys, prepend=-1) > 0], max(columns, 1))
    return rows, cols


def _entries(blocks: Sequence[tuple[ndarray, int]], columns: int) -> tuple[ndarray, ndarray]:
    """Rows and columns of what the blocks list: for each row indices from a first column on, -1 for none."""
    keys = [np.zeros(0, np.int64)]
    for indices, first in blocks:
        *shape, width = indices.shape
        rows = np.repeat(np.arange(math.prod(shape)), width)
        found = indices.ravel()
        keys.append((rows * columns + first + found)[found >= 0])
    return _once(np.concatenate(keys), columns)


def _pairs(rows: ndarray, cols: ndarray, size: int) -> tuple[ndarray, ndarray]:
    """Rows and columns of a square matrix, each entry once; -1 in either is none."""
    found = (rows >= 0) & (cols >= 0)
    return _once(rows[found] * size + cols[found], size)


def _chunks(colours: ndarray, size: int) -> Iterator[ndarray]:
    """A row for each colour, 1 where it is; so many at a time that results of this size stay in a cache."""
    count = int(colours.max(initial=-1)) + 1
    step = 2**18 // size if 0 < size < 2**18 else 1 if size else max(count, 1)
    for first in range(0, max(count, 1), step):
        chosen = np.arange(first, min(first + step, count))[:, None]
        yield np.asarray(colours == chosen, _REAL)


def _dense(sparse: Sparse, target: tuple[int, ...], shapes: Sequence[tuple[int, ...]]) -> list[ndarray]:
    """A sparse Jacobian as arrays with the target's axes first, one for each wrt value."""
    sizes = [math.prod(shape) for shape in shapes]
    matrix = np.zeros((math.prod(target), sum(sizes)), sparse.values.dtype)
    matrix[sparse.rows, sparse.cols] = sparse.values
    blocks = np.split(matrix, np.cumsum(sizes)[:-1], axis=1)
    return [np.ascontiguousarray(b).reshape(*target, *s) for b, s in zip(blocks, shapes)]


def _csr(sparse: Sparse, rows: int, cols: int) -> Any:
    """The same as scipy.sparse.csr_array; its elements are in the order of rows already."""
    from scipy.sparse import csr_array

    starts = np.searchsorted(sparse.rows, np.arange(rows + 1))
    return csr_array((sparse.values, sparse.cols, starts), shape=(rows, cols), copy=True)
