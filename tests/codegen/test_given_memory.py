"""Routines that are given memory give what they give without, and models whose values are in it are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.codegen.routines import ROUTINES
from autodiffc.codegen.routines_array import (
    _add_columns,
    _add_rows,
    _by_columns,
    _columns,
    _inner,
    _mean,
    _norm,
    _ones,
    _rolled,
    _row_max,
    _rows,
    _sum,
    _where,
)
from autodiffc.codegen.routines_elementwise import _divide_or_zero, _masked
from autodiffc.codegen.routines_memory import _drawn
from autodiffc.codegen.routines_windows import _add_flat, _fold, _window_max
from autodiffc.compiler.ir import OPS
from autodiffc.compiler.special_blocks import _in_blocks
from autodiffc.grammar.source import Source

RNG = np.random.default_rng(0)
LOOP = """
dim T, N
param x: real[T, N]
h = x[0]
for t in range(T - 1):
    z = h[None, :] * x
    m = max(z.T, axis=-1, keepdims=true)
    h = tanh(sum(exp(z.T - m), axis=-1)) + m[:, 0]
loss L = sum(h**2)
"""


def moving(*stride: int, **others: tuple[int, ...]) -> dict[str, Any]:
    """How windows move."""
    one = (1,) * len(stride)
    return {"stride": stride, "padding": (0,) * len(stride), "dilation": one, **others}


@pytest.mark.parametrize("shape", [(90, 7), (90, 41), (6, 5), (4, 30, 5), (0, 3), (300, 1)])
@pytest.mark.parametrize("initial", [None, -np.inf])
def test_the_largest_of_rows(shape: tuple[int, ...], initial: float | None) -> None:
    x = RNG.normal(size=shape)
    room = np.full((shape[-1] + 1, *shape[:-1]), np.nan)
    expected = x.max(axis=-1, keepdims=True, **({} if initial is None else {"initial": initial}))
    for given in (x, np.asfortranarray(x)):
        np.testing.assert_array_equal(_row_max(given, initial, out=room), expected)
        np.testing.assert_array_equal(_row_max(given, initial), expected)


def test_the_largest_of_rows_without_elements() -> None:
    x = np.empty((3, 0))
    assert _row_max(x, -np.inf, out=np.empty((1, 3))).tolist() == [[-np.inf]] * 3
    with pytest.raises(ValueError, match="zero-size"):
        _row_max(x, out=np.empty((1, 3)))


@pytest.mark.parametrize("places", [[0, 4, 1], [-1, 2], [], [[1, 2], [4, -5]]])
def test_rows_by_index(places: Any) -> None:
    table, at = RNG.normal(size=(5, 3)), np.array(places, int)
    for order in "CF":
        out = np.full((*at.shape, 3), np.nan, order=order)
        assert _rows(table, at, out=out) is out
        np.testing.assert_array_equal(out, table[at])
    with pytest.raises(IndexError):
        _rows(table, np.array([5]), out=np.empty((1, 3)))


@pytest.mark.parametrize("shape", [(90, 7), (90, 41), (6, 5)])
def test_columns(shape: tuple[int, int]) -> None:
    x = RNG.normal(size=shape)
    out = np.full(shape, np.nan, order="F")
    np.testing.assert_array_equal(_columns(x, out=out), x)
    assert _columns(x, out=out) is (out if shape == (90, 7) else x)


def test_no_ones() -> None:
    assert [len(_ones(n)) for n in (-1, 0, 2, 2000)] == [0, 0, 2, 2000]


def test_the_largest_of_rows_in_a_loop() -> None:
    """Rows of a stack have room for the largest elements, and for no columns beside them."""
    program = program_of(Source("model.dsl", LOOP))
    x = RNG.normal(size=(5, 40))
    answers = []
    for level in (0, 1, 2):
        module = module_of(module_text(program, Options(level=level)), "model")
        for _ in range(2):
            value, grads = module.value_and_grad(x)
            outputs, cache = module.forward(x)
            answers.append((value, grads.x, outputs.L, module.backward(cache).x))
    for found in answers[1:]:
        for one, other in zip(found, answers[0]):
            np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize(
    ("shape", "kernel", "windows"),
    [
        ((3, 2, 9), (3,), moving(1)),
        ((3, 1, 8), (2,), moving(3, padding=(1,))),
        ((1, 3, 6, 7), (2, 2), moving(2, 2)),
        ((2, 1, 5, 6), (3, 2), moving(1, 2, padding=(1, 1))),
        ((2, 3, 7, 8), (2, 3), moving(2, 1, padding=(1, 1), dilation=(1, 2))),
        ((0, 3, 6, 6), (2, 2), moving(2, 2)),
        ((1, 2, 4, 5), (4, 1), moving(1, 3, padding=(3, 0))),
    ],
)
@pytest.mark.parametrize("fill", [0.0, np.nan, -np.inf])
def test_windows(shape: tuple[int, ...], kernel: Any, windows: dict[str, Any], fill: float) -> None:
    """Many elements are equal, or NaN, or -inf; the memory is of earlier calls."""
    x = RNG.integers(-2, 3, shape).astype(float)
    x[RNG.random(shape) < 0.6] = fill
    scratch: dict[str, np.ndarray] = {}
    for given in (x, np.ascontiguousarray(x.swapaxes(0, 1)).swapaxes(0, 1)):
        for name, more in (("patches", {"scratch": scratch}), ("window_argmax", {"scratch": scratch})):
            expected = OPS[name].eval(x, kernel=kernel, **windows)
            routine, out = ROUTINES[f"_{name}"], np.full_like(expected, 7)
            np.testing.assert_array_equal(routine(given, kernel, **windows), expected)
            assert routine(given, kernel, **windows, **more, out=out) is out
            np.testing.assert_array_equal(out, expected)
        pooled = _window_max(given, kernel, **windows, scratch=scratch)
        np.testing.assert_array_equal(pooled, x.reshape(-1)[expected])
    patches = OPS["patches"].eval(x, kernel=kernel, **windows)
    folded = OPS["fold"].eval(patches, sizes=shape[2:], **windows)
    out = np.full_like(folded, np.nan).swapaxes(0, 1).copy().swapaxes(0, 1)
    for memory in (None, out):
        np.testing.assert_array_equal(_fold(patches, shape[2:], **windows, out=memory), folded)
    total = np.zeros(shape)
    values = RNG.normal(size=(shape[1], shape[0], *expected.shape[2:])).swapaxes(0, 1)
    _add_flat(total, expected, values, scratch)
    wanted = np.zeros(shape)
    np.add.at(wanted.reshape(-1), expected.reshape(-1), values.reshape(-1))
    np.testing.assert_array_equal(total, wanted)


@pytest.mark.parametrize("by", [1, -1, 3, -3])
@pytest.mark.parametrize(("shape", "axis"), [((3,), 0), ((3, 4), 0), ((2, 5, 4), 1), ((2, 3), 1)])
def test_rolled(shape: tuple[int, ...], axis: int, by: int) -> None:
    x, out = RNG.normal(size=shape), np.empty(shape)
    for given in (x, np.asfortranarray(x)):
        np.testing.assert_array_equal(_rolled(given, by, axis), np.roll(x, by, axis))
        np.testing.assert_array_equal(_rolled(given, by, axis, out=out), np.roll(x, by, axis))


def test_choices() -> None:
    x, mask, out = RNG.normal(size=(4, 3)), RNG.random((4, 3)) < 0.5, np.empty((4, 3))
    for chosen, other in ((0.0, x), (x, np.nan), (x, 2.0 * x), (x[0], 1.0), (0.0, 1.0)):
        np.testing.assert_array_equal(_where(mask, chosen, other, out=out), np.where(mask, chosen, other))
    np.testing.assert_array_equal(_where(mask[:, :1], x, 0.0, out=out), np.where(mask[:, :1], x, 0.0))


@pytest.mark.parametrize("share", [0.0, 0.002, 0.5, 1.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", "CF")
def test_choices_of_many(order: Any, dtype: type, share: float) -> None:
    """By branches or by bits: the same, down to signs of zero and to NaN."""
    mask = np.array(RNG.random((70, 50)) < share, order=order)
    x = np.array(RNG.normal(size=(70, 50)), dtype, order=order)
    x[::7, ::3], x[1::7, ::3], x[2::7], x[3::7] = -0.0, np.nan, np.inf, -np.inf
    out = np.full((70, 80), 5.0, dtype)
    for chosen, other in ((0.0, x), (x, np.nan), (x, x[::-1]), (x[0], -0.0), (x[:, :1], np.inf), (x, 3)):
        for given in (mask, mask[:, :1], True, False):
            expected = np.where(given, chosen, other).astype(dtype)
            for room in (out[:, 30:], np.empty((70, 50), dtype, order=order)):
                found = _where(given, chosen, other, out=room)
                assert found is room
                np.testing.assert_array_equal(found, np.broadcast_to(expected, found.shape))
                np.testing.assert_array_equal(
                    np.signbit(found), np.signbit(expected) | np.zeros_like(found, bool)
                )
        assert (out[:, :30] == 5.0).all()


@pytest.mark.parametrize("order", "CF")
def test_routines_keep_what_they_compute_in(order: str) -> None:
    """Of other sizes than in the call before, too."""
    scratch: dict[str, np.ndarray] = {}
    for rows, width in ((40, 3), (7, 5), (300, 4), (120, 6), (0, 2)):
        places = RNG.integers(-6, 6, rows)
        x = np.array(RNG.normal(size=(rows, width)), order=order)
        np.testing.assert_array_equal(_norm(x, axis=1, scratch=scratch), _norm(x, axis=1))
        for given in (x, np.broadcast_to(RNG.normal(size=width), x.shape)):
            expected, found = np.zeros((6, width)), np.zeros((6, width))
            np.add.at(expected, places, given)
            _add_rows(found, places, given, scratch)
            np.testing.assert_allclose(found, expected, atol=1e-13)
            turned = np.zeros((width, 6))
            _add_columns(turned, places, given.T, scratch)
            np.testing.assert_allclose(turned, expected.T, atol=1e-13)
    held = {name: id(array) for name, array in scratch.items()}
    _norm(x, axis=1, scratch=scratch)
    assert held == {name: id(array) for name, array in scratch.items()}


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("shape", [(200,), (40, 5), (10, 20), (0, 3)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_are_added(dtype: type, shape: tuple[int, ...], order: Any) -> None:
    """To a table of double precision, whatever the places' rank; also where it is part of another."""
    places = RNG.integers(-8, 8, shape)
    for width in ((), (1,), (3,), (30,), (2, 3)):
        rows = np.array(RNG.normal(size=(*shape, *width)), dtype, order=order)
        expected = np.ones((8, *width))
        np.add.at(expected, places, rows)
        for found in (np.ones((8, *width)), np.ones((16, *width))[::2]):
            _add_rows(found, places, rows)
            np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("slope", [2.0, np.nan, np.inf, -np.inf, 1e200])
def test_what_is_made_of_zeros_is_zero(slope: float) -> None:
    y = np.array([[0.0, 1.0, -0.0], [3.0, 0.0, -2.0]])
    with np.errstate(invalid="ignore"):
        x = y * np.array([[slope, 1.0, slope], [slope, slope, 5.0]])
    expected = np.where(y == 0.0, 0.0, x)
    kept = x.copy()
    for given in (None, np.full(x.shape, 7.0), np.full(x.shape[::-1], 7.0).T):
        np.testing.assert_array_equal(_masked(x, y, out=given), expected)
        np.testing.assert_array_equal(x, kept)
    assert _masked(x, y, out=x) is x
    np.testing.assert_array_equal(x, expected)


def test_what_is_masked_may_broadcast() -> None:
    x, y = np.array([[np.nan, np.inf], [1.0, np.nan]]), np.array([[0.0], [2.0]])
    np.testing.assert_array_equal(_masked(x, y), [[0.0, 0.0], [1.0, np.nan]])
    assert _masked(np.empty((0, 3)), np.empty((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("shape", [(50, 3), (50, 3, 2), (0, 3), (4, 3)])
def test_inner_products_in_any_order_of_memory(shape: tuple[int, ...]) -> None:
    x, y = RNG.normal(size=shape), RNG.normal(size=shape)
    for a in (x, _by_columns(shape, 0)):
        for b in (y, _by_columns(shape, 0)):
            a[...], b[...] = x, y
            np.testing.assert_allclose(_inner(a, b), (x * y).sum(), rtol=1e-13, atol=1e-13)


def test_memory_of_another_kind_lies_by_columns() -> None:
    assert _by_columns((50, 3), 0, dtype=np.bool_).flags.f_contiguous


@pytest.mark.parametrize("size", [0, 7, 8192, 8193, 30_000])
def test_masks_are_drawn_as_by_one_call(size: int) -> None:
    mask, scratch = np.empty((size, 2), np.bool_), {}  # type: tuple[np.ndarray, dict[str, np.ndarray]]
    for seed in range(2):
        drawn = _drawn(np.random.default_rng(seed), 0.3, mask, scratch)
        assert drawn is mask
        np.testing.assert_array_equal(mask, np.random.default_rng(seed).random((size, 2)) >= 0.3)


@pytest.mark.parametrize("routine", [_sum, _mean])
@pytest.mark.parametrize("axis", [0, 1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_of_singles_are_added_up_in_double(routine: Any, axis: Any, keepdims: bool) -> None:
    x = np.random.default_rng(0).random((3, 40_000, 2)).astype(np.float32)
    exact = getattr(x.astype(float), routine.__name__[1:])(axis=axis, keepdims=keepdims).astype(np.float32)
    memory = np.empty(exact.shape, np.float32)
    assert routine(x, axis, keepdims, out=memory, scratch={}) is memory
    for found in (memory, routine(x, axis, keepdims)):
        np.testing.assert_array_equal(found, exact)


@pytest.mark.parametrize("shape", [(), (5,), (4, 5)])
def test_quotients_by_zeros(shape: tuple[int, ...]) -> None:
    x, y = np.ones((4, 5)), np.arange(20.0).reshape(4, 5)[tuple([0] * (2 - len(shape)))] % 3
    expected = np.where(y == 0.0, 0.0, x / np.where(y == 0.0, 1.0, y))
    for memory in (None, np.full((4, 5), np.nan), x):
        found = _divide_or_zero(x, y, memory)
        assert memory is None or found is memory
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("turn", [np.asarray, np.transpose])
def test_singles_are_converted_block_by_block(turn: Any) -> None:
    def product(x: Any, y: Any, out: Any, room: Any) -> Any:
        assert {a.dtype for a in (x, y, out, *room)} == {np.dtype(np.float64)}
        return np.multiply(x, y, out)

    x, y = (turn(array) for array in np.random.default_rng(0).random((2, 3, 9000)).astype(np.float32))
    out = np.empty_like(x)
    assert _in_blocks(product, x, y, out=out, scratch={}, rows=2) is out
    np.testing.assert_array_equal(out, (x.astype(float) * y).astype(np.float32))
