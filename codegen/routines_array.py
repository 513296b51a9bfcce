"""Routines on whole arrays: reductions, scans and scatters with edge cases that NumPy leaves open.

>>> _norm(np.array([3e200, 4e200])), _exclusive_cumprod(np.array([2.0, 0.0, 3.0]), 0, False)
(5e+200, array([1., 2., 0.]))
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from .routines_memory import _are_within, _numbers, _room, _room_like

_REAL = np.float64
_ONES = np.ones(1024)


def _ones(n: int) -> ndarray:
    """A vector of ones, of which a product makes a sum."""
    return _ONES[:n] if 0 <= n <= len(_ONES) else np.ones(max(n, 0), _REAL)


def _total(x: ndarray) -> Any:
    """x.sum() of a vector; a short one is sooner multiplied by ones."""
    return x.dot(_ONES[: len(x)]) if len(x) <= 1024 else x.sum()


def _where(condition: ndarray, chosen: ndarray, other: ndarray, out: ndarray) -> ndarray:
    """np.where, into given memory; of a mask that no branch can foresee by arithmetic on the bits."""
    if out.size < 2048 or out.dtype.kind != "f" or not _changes_often(condition):
        np.copyto(out, other)
        np.copyto(out, chosen, where=condition)
        return out
    bits = f"i{out.itemsize}"
    differing = out.view(bits)
    bits_of_other = np.asarray(other, out.dtype).view(bits)
    np.bitwise_xor(np.asarray(chosen, out.dtype).view(bits), bits_of_other, out=differing)
    differing *= condition
    differing ^= bits_of_other
    return out


def _changes_often(mask: ndarray) -> bool:
    """Whether neighbours differ in more than one of sixteen places, of the first thousand."""
    if np.ndim(mask) and not mask.flags.forc:
        mask = mask[: 1024 // max(mask[0].size, 1) + 1]
    first = np.ravel(mask, "K")[:1024]
    return int(np.count_nonzero(first[1:] != first[:-1])) > 64


def _rolled(x: ndarray, by: int, axis: int, out: ndarray | None = None) -> ndarray:
    """np.roll along one axis."""
    n = x.shape[axis]
    cut = -by % n if n else 0
    before = (slice(None),) * axis
    end, start = x[before + (slice(cut, None),)], x[before + (slice(cut),)]
    if out is None:
        return np.concatenate((end, start), axis=axis)
    out[before + (slice(n - cut),)] = end
    out[before + (slice(n - cut, None),)] = start
    return out


def _rows(x: ndarray, places: ndarray, axis: int = 0, out: ndarray | None = None) -> ndarray:
    """x[places]: whole parts along the first axis, or another."""
    if out is None or (places.size and not _are_within(places, x.shape[axis])):
        return x.take(places, axis, out)
    return x.take(places, axis, out, "clip")  # without a copy, that a check takes


def _times(a: ndarray, b: ndarray, out: ndarray | None = None) -> ndarray:
    """a @ b, also with each b of a stack; of a large a as the transposed product, which is sooner done.

    Where a is a stack of small matrices it is one product with all their rows.
    """
    small = a.ndim > 2 and a.size and 0 < a.shape[-2] * b.size < 4096 and a.flags.c_contiguous
    if small and (out is None or out.flags.c_contiguous):
        out = np.empty((*a.shape[:-1], b.shape[1]), a.dtype) if out is None else out
        a.reshape(-1, len(b)).dot(b, out.reshape(-1, b.shape[1]))
        return out
    if a.ndim > 2 or a.size < 131_072 or 16 * b.shape[-1] >= len(a):
        if a.ndim == b.ndim == 2 and (out is None or out.flags.c_contiguous):
            return a.dot(b, out)  # costs less to call
        return np.matmul(a, b, out=out)
    rows = b.T if b.ndim == 2 else b.swapaxes(1, 2).reshape(-1, a.shape[1])
    turned = rows.dot(a.T).reshape(*b.shape[:-2], b.shape[-1], len(a)).swapaxes(-2, -1)
    out = np.empty(turned.shape, turned.dtype) if out is None else out
    np.copyto(out, turned)
    return out


def _outer(a: ndarray, b: ndarray, out: ndarray | None = None) -> ndarray:
    """np.outer(a, b), in BLAS, which is several times as fast."""
    if out is None or out.flags.c_contiguous:
        return a[:, None].dot(b[None], out)
    if out.flags.f_contiguous:
        b[:, None].dot(a[None], out.T)
        return out
    return np.multiply(a[:, None], b, out=out)


def _columns(x: ndarray, out: ndarray | None = None) -> ndarray:
    """x, column by column in memory where its rows are short and many: so will be what is made of it."""
    if x.shape[1] > 40 or 2 * x.shape[1] > x.shape[0]:
        return x
    if out is None or x.flags.f_contiguous:
        return np.asfortranarray(x)
    np.copyto(out, x)
    return out


def _by_columns(shape: tuple[int, ...], axis: int, width: int | None = None, dtype: Any = _REAL) -> ndarray:
    """New memory for rows along an axis, in columns where `_columns` has them, or has rows of that width."""
    width = shape[-1] if width is None else width
    if width > 40 or 2 * width > shape[axis]:
        return np.empty(shape, dtype)
    order = (*shape[:axis], *shape[axis + 1 :], shape[axis])
    return np.moveaxis(np.empty(order, dtype), -1, axis)


def _inner(x: ndarray, y: ndarray, scratch: dict[str, ndarray] | None = None) -> Any:
    """The sum of the products of all elements, in the order in which they lie in memory."""
    if x is y and scratch is not None and not (x.flags.c_contiguous or x.T.flags.c_contiguous):
        x = y = np.positive(x, out=_room(scratch, "part", x.shape, x.dtype))
    order: Any = "K" if x.strides == y.strides else "C"
    return x.ravel(order).dot(y.ravel(order))


def _row_sums(x: ndarray) -> ndarray:
    """x.sum(axis=-1), by BLAS where the numbers of a row lie side by side."""
    if x.strides[-1] == x.itemsize:
        return x @ _ones(x.shape[-1])
    return np.add.reduce(x, axis=-1)


def _row_max(x: ndarray, initial: float | None = None, out: ndarray | None = None) -> ndarray:
    """x.max(axis=-1, keepdims=True); of many short rows it is quicker column by column.

    `out` has room for that, then for the columns.
    """
    if x.shape[-1] and x.size <= 256:
        return np.maximum.reduce(x, axis=-1, keepdims=True)
    memory = None if out is None else out[0]
    if 0 < x.shape[-1] <= 40:
        columns = x.T if x.ndim == 2 else np.moveaxis(x, -1, 0)
        if out is None:
            columns = np.ascontiguousarray(columns)
        elif not columns.flags.c_contiguous:
            np.copyto(out[1:], columns)
            columns = out[1:]
        return np.maximum.reduce(columns, axis=0, out=memory)[..., None]
    if initial is None:
        return np.maximum.reduce(x, axis=-1, out=memory)[..., None]
    return np.maximum.reduce(x, axis=-1, out=memory, initial=initial)[..., None]


def _add_rows(
    total: ndarray, places: ndarray, rows: ndarray, scratch: dict[str, ndarray] | None = None
) -> None:
    """np.add.at(total, places, rows) for whole rows: column by column if these are long, or else flat.

    NumPy is quick where one axis is added to another, of the same dtype.
    """
    if places.ndim > 1 and rows.flags.c_contiguous:
        places, rows = places.reshape(-1), rows.reshape(places.size, *total.shape[1:])
    if total.ndim == 2 and places.ndim == 1:
        width, in_columns = total.shape[1], rows.strides[0] == rows.itemsize
        if len(rows) >= 16 * width if in_columns else width <= 16 and len(rows) >= 64 * width:
            step = len(rows) if in_columns else 32_768 // max(width, 1)  # rows in the cache
            for start in range(0, len(rows), max(step, 1)):
                at = places[start : start + step]
                for column, part in zip(total.T, rows[start : start + step].T):
                    np.add.at(column, at, _in_dtype(part, total.dtype, scratch))
            return
    if not total.flags.c_contiguous or not total.size:
        np.add.at(total, places, rows)
        return
    width, flat = total[0].size, total.reshape(-1)
    step = max(16_384 // max(width * places[:1].size, 1), 1)  # places in the cache
    for start in range(0, len(places), step):
        some = places[start : start + step]
        at = _room(scratch, "places", (*some.shape, width), np.int64)
        first = np.multiply(some, width, out=_room(scratch, "within", some.shape, np.int64))
        np.add(first[..., None], _numbers(scratch, width), out=at)
        np.add.at(flat, at.reshape(-1), _in_order(rows[start : start + step], total.dtype, scratch))


def _in_dtype(x: ndarray, dtype: Any, scratch: dict[str, ndarray] | None) -> ndarray:
    """x in a dtype, in memory of its own where it has another."""
    if x.dtype == dtype:
        return x
    out = _room(scratch, "values", x.shape, dtype)
    out[...] = x
    return out


def _in_order(x: ndarray, dtype: Any, scratch: dict[str, ndarray] | None) -> ndarray:
    """x.ravel() in a dtype, in memory of its own where that is a copy."""
    if x.flags.c_contiguous:
        return _in_dtype(x.reshape(-1), dtype, scratch)
    out = _room(scratch, "values", x.shape, dtype)
    out[...] = x
    return out.reshape(-1)


def _add_columns(
    total: ndarray, places: ndarray, columns: ndarray, scratch: dict[str, ndarray] | None = None
) -> None:
    """np.add.at(total, (slice(None), places), columns) for a matrix, element by element."""
    if not total.flags.c_contiguous:
        np.add.at(total.T, places, np.moveaxis(columns, 0, -1))
        return
    width = max(total.shape[1], 1)
    within = _room(scratch, "within", places.shape, np.int64)
    within = np.remainder(places, width, out=within).reshape(-1)
    flat = _room(scratch, "places", (len(total), places.size), np.int64)
    np.multiply(_numbers(scratch, len(total))[:, None], width, out=flat)
    flat += within
    np.add.at(total.reshape(-1), flat.reshape(-1), _in_order(columns, total.dtype, scratch))


def _sum(
    x: ndarray,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """x.sum(axis, keepdims=keepdims), added up in double precision."""
    if out is None:
        return x.sum(axis=axis, keepdims=keepdims, dtype=np.float64).astype(x.dtype)
    if out.size <= 512:
        out[...] = x.sum(axis=axis, dtype=np.float64, keepdims=keepdims)
        return out
    total = _room(scratch, "total", out.shape, np.float64)
    np.copyto(out, np.add.reduce(x, axis=axis, dtype=np.float64, out=total, keepdims=keepdims))
    return out


def _mean(
    x: ndarray,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """x.mean(axis, keepdims=keepdims), added up in double precision."""
    if out is None:
        return x.mean(axis=axis, keepdims=keepdims, dtype=np.float64).astype(x.dtype)
    if out.size <= 512:
        out[...] = x.mean(axis=axis, dtype=np.float64, keepdims=keepdims)
        return out
    total = _room(scratch, "total", out.shape, np.float64)
    np.copyto(out, x.mean(axis=axis, dtype=np.float64, out=total, keepdims=keepdims))
    return out


def _sum_in_double(name: str, *shape: int, scratch: dict[str, ndarray] | None = None) -> ndarray:
    """Zeros in double precision, to which parts of a sum are added; each sum has a name."""
    total = None if scratch is None else scratch.get(name)
    if total is not None and total.shape == shape:
        total.fill(0.0)
        return total
    total = np.zeros(shape, np.float64)
    if scratch is not None:
        scratch[name] = total
    return total


def _norm(
    x: ndarray,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """The Euclidean norm, scaled where squares would overflow or lose digits."""
    with np.errstate(over="ignore"):
        squares = np.square(x, out=None if scratch is None else _room_like(scratch, "squares", x))
        double = out
        if out is not None and out.dtype != np.float64:
            double = _room(scratch, "total", out.shape, np.float64)
        norm = squares.sum(axis=axis, dtype=np.float64, keepdims=keepdims, out=double)
        norm = np.sqrt(norm, out=double)
        if out is None or double is out:
            norm = norm.astype(x.dtype, copy=False)
        else:
            np.copyto(out, norm)
            norm = out
    small = np.finfo(x.dtype).tiny ** 0.47
    if not (norm.min(initial=np.inf) > small and norm.max(initial=0.0) < 1.0 / small):
        top = np.abs(x).max(axis=axis, keepdims=True, initial=0.0)
        scale = np.where((top > 0.0) & (top < np.inf), top, 1.0)
        norm = np.sqrt(np.square(x / scale).sum(axis=axis, dtype=np.float64, keepdims=True)) * scale
        norm = (norm if keepdims else norm.squeeze(axis)[()]).astype(x.dtype)
    if out is None or norm is out:
        return norm
    np.copyto(out, norm)
    return out


def _centred_squares(
    x: ndarray,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    out: ndarray | None = None,
    scratch: dict[str, ndarray] | None = None,
) -> ndarray:
    """The sum of squares about the mean, of values whose mean is 0 but for rounding."""
    left: Any = None
    limit: Any = None
    if out is not None and scratch is not None:
        left, limit = (_room(scratch, name, out.shape, np.float64) for name in ("left", "limit"))
    if axis == x.ndim - 1 and x.dtype == np.float64:
        rows = [None if room is None else room.reshape(x.shape[:-1]) for room in (limit, left)]
        limit = np.einsum("...i,...i->...", x, x, out=rows[0])
        left = np.matmul(x, _ones(x.shape[-1]), out=rows[1])
        if keepdims:
            limit, left = limit[..., None], left[..., None]
    else:
        squares = np.square(x, out=None if scratch is None else _room_like(scratch, "squares", x))
        limit = squares.sum(axis=axis, dtype=np.float64, keepdims=keepdims, out=limit)
        left = x.sum(axis=axis, dtype=np.float64, keepdims=keepdims, out=left)
    count, rounding = max(x.size // max(left.size, 1), 1), 500.0 * np.finfo(x.dtype).eps
    if not left.ndim:
        left = limit - left * left / count
        return x.dtype.type(0.0 if left <= rounding * limit else left)
    left *= left
    left /= count
    np.subtract(limit, left, out=left)
    limit *= rounding
    marks = None if scratch is None else _room(scratch, "marks", left.shape, np.bool_)
    np.copyto(left, 0.0, where=np.less_equal(left, limit, out=marks))
    if out is None:
        return left.astype(x.dtype)
    np.copyto(out, left)
    return out


def _shifted(x: ndarray, m: ndarray | float, out: ndarray | None = None) -> ndarray:
    """x - m for the largest element m; where that is infinite 0 at +inf and -inf elsewhere."""
    if not (math.isinf(m) if isinstance(m, float) else _may_be_infinite(m)):
        return np.subtract(x, m, out=out)
    with np.errstate(invalid="ignore"):
        shifted = np.where(np.isinf(m), np.where((x == m) & (m > 0.0), 0.0, -np.inf), x - m)
    if out is None:
        return shifted
    np.copyto(out, shifted)
    return out


def _may_be_infinite(x: ndarray) -> bool:
    """Whether elements are infinite; of many, which have no mask made of them, also whether some are NaN."""
    if x.size <= 4096:
        return bool(np.isinf(x).any())
    low, high = np.minimum.reduce(x, axis=None), np.maximum.reduce(x, axis=None)
    return not (low > -np.inf and high < np.inf)


def _exclusive_cumprod(x: ndarray, axis: int, reverse: bool, out: ndarray | None = None) -> ndarray:
    """The product of the elements before each along an axis (after each, if reverse)."""
    out = np.empty_like(x) if out is None else out
    rows, products = (np.moveaxis(a, axis, 0)[:: -1 if reverse else 1] for a in (x, out))
    products[:1] = 1.0
    np.cumprod(rows[:-1], axis=0, out=products[1:])
    return out


def _cumsum(x: ndarray, axis: int, out: ndarray | None = None) -> ndarray:
    """x.cumsum(axis) of what is turned round, so that its sums, turned round again, lie in order."""
    turn = (slice(None),) * axis + (slice(None, None, -1),)
    out = np.empty(x.shape, x.dtype) if out is None else out
    return x.cumsum(axis=axis, out=out[turn])


def _linear_scan(b: ndarray, a: ndarray, axis: int, reverse: bool, out: ndarray | None = None) -> ndarray:
    """s[i+1] = b[i] + a[i] * s[i] along an axis, from s[0] = 0 (from the end backwards, if reverse)."""
    out = np.empty_like(b) if out is None else out
    b, a, s = (np.moveaxis(x, axis, 0)[:: -1 if reverse else 1] for x in (b, a, out))
    if s.ndim == 1:  # by Python's numbers, which are a fraction of NumPy's work
        sums: Any = s.data
        total = 0.0
        for i, (slope, term) in enumerate(zip(a.data, b.data)):
            sums[i] = total
            total = term + slope * total
        return out
    s[:1] = 0.0
    for i in range(1, len(b)):
        row = np.multiply(a[i - 1], s[i - 1], out=s[i])
        row += b[i - 1]
    return out


def _add_up(g: ndarray, source: ndarray, axis: int) -> ndarray:
    """Along an axis each g added at the position that `source` says it was taken from."""
    rows = np.moveaxis(g, axis, 0)
    out = np.zeros((source.max() + 1, *rows.shape[1:]), g.dtype)
    np.add.at(out, source, rows)
    return np.moveaxis(out, 0, axis)
