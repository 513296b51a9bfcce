"""Linear algebra on arrays of objects: SymPy expressions, numbers of high precision.

>>> a = np.array([[2, 1], [4, 5]], object)
>>> det, adjugate = faddeev(a)
>>> det, adjugate.tolist()
(array(6.0, dtype=object), [[5.0, -1.0], [-4.0, 2.0]])

No comparison is made, so that symbols will do: there is no pivoting.
"""

from __future__ import annotations

import numpy as np

from ..ir import Array


def swapped(a: Array) -> Array:
    """Matrices transposed."""
    return np.swapaxes(a, -1, -2)


def faddeev(a: Array) -> tuple[Array, Array]:
    """Determinant and adjugate by the method of Faddeev and Leverrier, which divides by 1, 2, … n only."""
    n = a.shape[-1]
    eye = np.eye(n, dtype=object)
    m, c = 0 * a, np.ones((*a.shape[:-2], 1, 1), object)
    for k in range(1, n + 1):
        m = a @ m + c * eye
        c = np.asarray(np.trace(a @ m, axis1=-2, axis2=-1), object)[..., None, None] / -k
    sign = (-1) ** n
    return (sign * c)[..., 0, 0], -sign * m


def substituted(t: Array, b: Array, lower: bool) -> Array:
    """x with t x = b by substitution; t's other triangle is not read. Good for numbers of any sort."""
    n = t.shape[-1]
    x = np.empty((*np.broadcast_shapes(t.shape[:-2], b.shape[:-2]), *b.shape[-2:]), np.result_type(t, b))
    for i in range(n) if lower else reversed(range(n)):
        done = slice(0, i) if lower else slice(i + 1, n)
        known = (t[..., i, done, None] * x[..., done, :]).sum(-2)
        x[..., i, :] = (b[..., i, :] - known) / t[..., i, i, None]
    return x


def cholesky(a: Array) -> Array:
    """The lower factor, from the lower triangle."""
    a = np.moveaxis(a, (-2, -1), (0, 1))
    out = np.zeros_like(a)
    for i in range(len(a)):
        for j in range(i + 1):
            rest = a[i, j] - (out[i, :j] * out[j, :j]).sum(0)
            out[i, j] = rest**0.5 if i == j else rest / out[j, j]
    return np.moveaxis(out, (0, 1), (-2, -1))
