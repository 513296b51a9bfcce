"""Routines that move elements give what NumPy's functions give, in given memory and in new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from autodiffc.codegen.routines_array import _centred_squares, _cumsum, _linear_scan
from autodiffc.codegen.routines_moves import (
    _argmax,
    _argmin,
    _decrement,
    _diag,
    _labelled,
    _picked,
    _put_along,
    _repeated,
    _take_along,
    _tiled,
    _tril,
    _triu,
    _with_rim,
    _without_rim,
)

RNG = np.random.default_rng(0)
SHAPES = [(4, 5), (5,), (2, 3, 4), (3, 0, 2), (1, 1)]
RIMS = [((5, 4), ((2, 1), (0, 3))), ((3,), ((5, 4),)), ((2, 3, 4), ((1, 1), (2, 2), (3, 0)))]


def agree(expected: np.ndarray, call: Callable[..., Any], *given: Any, **more: Any) -> None:
    """A routine's result is as expected, in new memory and in given memory, which it then returns."""
    np.testing.assert_array_equal(call(*given), expected)
    memory = np.full(expected.shape, 7, expected.dtype)
    np.testing.assert_array_equal(call(*given, **more, out=memory), expected)
    np.testing.assert_array_equal(memory, expected)


def with_ties(shape: tuple[int, ...], dtype: Any, order: Any) -> np.ndarray:
    """A few values, one of them NaN."""
    x = np.asarray(RNG.integers(0, 3, size=shape).astype(dtype), order=order)
    if x.size:
        x.flat[x.size // 2] = np.nan
    return x


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_extremes_and_what_is_put_there(shape: tuple[int, ...], order: str, dtype: Any) -> None:
    x = with_ties(shape, dtype, order)
    for axis in (axis for axis, size in enumerate(shape) if size):
        for keepdims in (False, True):
            agree(x.argmax(axis, keepdims=keepdims), _argmax, x, axis, keepdims, scratch={})
            agree(x.argmin(axis, keepdims=keepdims), _argmin, x, axis, keepdims, scratch={})
        places = x.argmax(axis, keepdims=True)
        agree(np.take_along_axis(x, places, axis), _take_along, x, places, axis, scratch={})
        expected, given = np.zeros(shape), np.zeros(shape, order=order)  # type: ignore[call-overload]
        g = RNG.normal(size=places.shape)
        np.put_along_axis(expected, places, g, axis)
        _put_along(given, places, g, axis, {})
        np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize("count", [0, 7, 300, 3000])
@pytest.mark.parametrize("low", [-4, 0])
def test_single_elements(count: int, low: int) -> None:
    x = RNG.normal(size=(max(count, 1), 4))
    rows, labels = np.arange(count), RNG.integers(low, 4, size=count)
    parted = np.repeat(x, 2, axis=1)[:, ::2]
    for given in (x, np.asfortranarray(x), parted):
        for pick in (_picked, _labelled):
            agree(x[rows, labels], pick, given, rows, labels, scratch={})
    expected = x.copy()
    expected[rows, labels] -= 1.0
    for given in (x.copy(), np.asfortranarray(x), parted):
        _decrement(given, rows, labels, scratch={})
        np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize("call", [_picked, _labelled, _decrement])
def test_what_is_out_of_range_is_an_error(call: Callable[..., Any]) -> None:
    rows = np.arange(3000)
    with pytest.raises(IndexError):
        call(np.zeros((3000, 4)), rows, rows % 5, scratch={})


@pytest.mark.parametrize("shape", SHAPES)
def test_copies(shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=shape)
    for axis in range(x.ndim):
        for times in (1, 3, 20):
            agree(np.repeat(x, times, axis), _repeated, x, times, axis)
    times = tuple(range(2, 2 + x.ndim))
    agree(np.tile(x, times), _tiled, x, times)


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize(("shape", "rims"), RIMS)
def test_rims(shape: tuple[int, ...], rims: tuple[tuple[int, int], ...], mode: Any) -> None:
    x = RNG.normal(size=shape)
    padded: np.ndarray = np.pad(x, rims, mode=mode)
    agree(padded, _with_rim, x, rims, mode)
    g = RNG.normal(size=padded.shape)
    d_x = _without_rim(g, rims, mode)
    assert np.vdot(d_x, x) == pytest.approx(np.vdot(g, padded))
    agree(d_x, _without_rim, g, rims, mode, scratch={})


def test_nothing_has_no_rim_of_its_own() -> None:
    with pytest.raises(ValueError, match="empty axis"):
        _with_rim(np.empty((0, 2)), ((1, 1), (1, 1)), "edge", out=np.empty((2, 4)))


@pytest.mark.parametrize("shape", [(40, 40), (3, 5), (5, 3), (2, 4, 4), (0, 3)])
@pytest.mark.parametrize("k", [-2, 0, 1, 9])
def test_triangles(shape: tuple[int, ...], k: int) -> None:
    x, scratch = with_ties(shape, np.float64, "C"), {}  # type: tuple[np.ndarray, dict[str, np.ndarray]]
    for _ in range(2):
        agree(np.tril(x, k), _tril, x, k, scratch=scratch)
        agree(np.triu(x, k), _triu, x, k, scratch=scratch)
        x = x.swapaxes(-2, -1)
    agree(np.diag(x.ravel(), k), _diag, x.ravel(), k)


@pytest.mark.parametrize("shape", SHAPES)
def test_scans(shape: tuple[int, ...]) -> None:
    b, a = RNG.normal(size=(2, *shape))
    for axis in range(b.ndim):
        turned = np.flip(b, axis)
        memory = np.empty(shape)
        for found in (_cumsum(turned, axis), _cumsum(turned, axis, out=memory)):
            np.testing.assert_array_equal(found, turned.cumsum(axis))
        np.testing.assert_array_equal(memory, np.flip(turned.cumsum(axis), axis))
        agree(_linear_scan(b, a, axis, True), _linear_scan, b, a, axis, True)
        back = np.flip(_linear_scan(np.flip(b, axis), np.flip(a, axis), axis, False), axis)
        agree(back, _linear_scan, b, a, axis, True)


@pytest.mark.parametrize("axis", [0, 1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_squares_about_the_mean(axis: Any, keepdims: bool, dtype: Any) -> None:
    x = RNG.normal(size=(30, 20)).astype(dtype)
    x[:, 3], x[5] = 0.25, 0.5
    found = _centred_squares(x, axis, keepdims)
    variance = x.astype(float).var(axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(found, variance * (x.size / variance.size), rtol=1e-5, atol=1e-12)
    if variance.ndim:
        agree(found, _centred_squares, x, axis, keepdims, scratch={})
