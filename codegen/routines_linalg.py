"""Routines on matrices and stacks of them: what NumPy's linear algebra lacks.

>>> _solve_triangular(np.array([[2.0, 9.0], [1.0, 4.0]]), np.array([2.0, 5.0]), lower=True)
array([1., 1.])
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from .routines_array import _exclusive_cumprod


def _solve_triangular(
    t: ndarray, b: ndarray, lower: bool, transposed: bool = False, unit: bool = False
) -> ndarray:
    """x with t x = b (t.T x = b, if transposed) by blocks of rows; the other triangle of t is not read."""
    if transposed:
        t, lower = t.swapaxes(-1, -2), not lower
    if b.ndim == 1:
        return _solve_triangular(t, b[:, None], lower, unit=unit)[..., 0]
    n = t.shape[-1]
    x = np.empty((*np.broadcast_shapes(t.shape[:-2], b.shape[:-2]), *b.shape[-2:]), b.dtype)
    # turned over, a lower triangle is an upper one, in which LAPACK finds nothing to eliminate
    turn = slice(None, None, -1 if lower else 1)
    starts = range(0, n, 64)
    for start in starts if lower else reversed(starts):
        rows = slice(start, min(start + 64, n))
        done = slice(0, start) if lower else slice(rows.stop, n)
        block = t[..., rows, rows]
        block = np.tril(block, -unit) if lower else np.triu(block, unit)
        if unit:
            block = block + np.eye(block.shape[-1], dtype=block.dtype)
        rest = np.matmul(t[..., rows, done], x[..., done, :], out=x[..., rows, :])
        np.subtract(b[..., rows, :], rest, out=rest)
        x[..., rows, :] = np.linalg.solve(block[..., turn, turn], rest[..., turn, :])[..., turn, :]
    return x


def _cofactors(a: ndarray) -> ndarray:
    """The matrix of cofactors, det(a) inv(a).T; of a singular matrix by its singular values."""
    n = a.shape[-1]
    det = np.linalg.det(a)[..., None, None]
    regular = np.where(det == 0.0, np.eye(n, dtype=a.dtype), a)
    inverse = np.linalg.inv(regular)
    both = (np.abs(m).sum(axis=-2) for m in (regular, inverse))
    norm, inverse_norm = (sums.max(axis=-1, initial=0.0) for sums in both)
    singular = (det[..., 0, 0] == 0.0) | (norm * inverse_norm * np.finfo(a.dtype).eps > 1.0)
    singular &= np.isfinite(a).all(axis=(-2, -1))
    out = det * inverse.swapaxes(-1, -2)
    if singular.any():
        u, s, vt = np.linalg.svd(a[singular])
        others = _exclusive_cumprod(s, -1, False) * _exclusive_cumprod(s, -1, True)
        sign = np.linalg.det(u) * np.linalg.det(vt)
        out[singular] = sign[..., None, None] * ((u * others[..., None, :]) @ vt)
    return out


def _cofactors_adjoint(h: ndarray, a: ndarray) -> ndarray:
    """The adjoint of _cofactors by singular values: NaN for a matrix that isn't finite."""
    finite = np.isfinite(a).all(axis=(-2, -1), keepdims=True)
    u, s, vt = np.linalg.svd(np.where(finite, a, 0.0))
    turned = u.swapaxes(-1, -2) @ h @ vt.swapaxes(-1, -2)
    eye = np.eye(a.shape[-1], dtype=bool)
    rows = np.where(eye, np.ones_like(s)[..., None, :], s[..., None, :])
    pairs = _exclusive_cumprod(rows, -1, False) * _exclusive_cumprod(rows, -1, True) * ~eye
    mixed = eye * (pairs @ np.diagonal(turned, axis1=-2, axis2=-1)[..., None])
    mixed -= pairs * turned.swapaxes(-1, -2)
    sign = np.linalg.det(u) * np.linalg.det(vt)
    return np.where(finite, sign[..., None, None] * (u @ mixed @ vt), np.nan).astype(a.dtype)
