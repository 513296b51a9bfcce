"""Routines that compute in kept memory give what they give without, and allocate no arrays besides their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from autodiffc.codegen.routines_array import _centred_squares, _shifted
from autodiffc.codegen.routines_elementwise import _bce_with_logits, _divide_or_zero, _xlogy
from autodiffc.codegen.routines_linalg import _solve_triangular
from peaks import peak

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(2, 150, 120))
ZEROS = np.where(X > 0.0, Y, 0.0)
CENTRED = np.stack((Y - Y.mean(axis=0), np.zeros_like(Y), 1e-17 * Y))
T = np.resize(X, (128, 128)) / 128.0 + np.eye(128)


def kept(routine: Callable[..., Any], *operands: Any, **options: Any) -> Callable[[Any], Any]:
    """A call in memory that the calls before have left."""
    scratch: dict[str, np.ndarray] = {}
    return lambda out: routine(*operands, **options, out=out, scratch=scratch)


IN_MEMORY = {
    "by zeros": (kept(_divide_or_zero, X, ZEROS), _divide_or_zero(X, ZEROS)),
    "by rows with zeros": (kept(_divide_or_zero, X, ZEROS[0]), _divide_or_zero(X, ZEROS[0])),
    "squares": (kept(_centred_squares, CENTRED, axis=1), _centred_squares(CENTRED, axis=1)),
    "squares of rows": (
        kept(_centred_squares, CENTRED, axis=2, keepdims=True), _centred_squares(CENTRED, axis=2, keepdims=True)
    ),
    "single squares": (
        kept(_centred_squares, np.ones((2, 18_000), np.float32), axis=0), np.zeros(18_000, np.float32)
    ),
    "shifted": (lambda out: _shifted(X, Y, out=out), X - Y),
    "shifted by a row": (lambda out: _shifted(X, Y[:1], out=out), X - Y[:1]),
}  # fmt: skip


@pytest.fixture(autouse=True)
def small_buffers() -> Iterator[None]:
    """As in a workspace."""
    before = np.setbufsize(512)
    yield
    np.setbufsize(before)


@pytest.mark.parametrize(("call", "expected"), IN_MEMORY.values(), ids=IN_MEMORY)
def test_nothing_is_made_but_numbers(call: Callable[[Any], Any], expected: np.ndarray) -> None:
    out = np.empty(expected.shape, expected.dtype)
    call(out)
    out.fill(np.nan)
    assert peak(lambda: call(out)) < 9_000  # NumPy's own buffers; a mask takes 18,000 bytes
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("turn", [np.asarray, np.asfortranarray])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("routine", [_bce_with_logits, _xlogy])
@pytest.mark.parametrize("rows", [10, 150, 1200])
def test_nothing_is_made_but_the_result(routine: Any, turn: Any, dtype: Any, rows: int) -> None:
    x, y = (turn(np.abs(np.resize(array, (rows, 120)), dtype=dtype)) for array in (X, Y))
    scratch: dict[str, np.ndarray] = {}
    for _ in range(2):
        found = routine(x, y, scratch=scratch)
    assert peak(lambda: routine(x, y, scratch=scratch)) < found.nbytes + 30_000
    assert found.dtype == dtype
    np.testing.assert_allclose(found, routine(x, y), rtol=1e-14 if dtype == np.float64 else 1e-6)


@pytest.mark.parametrize("lower", [False, True])
def test_substitution_makes_the_result_and_a_block_of_it(lower: bool) -> None:
    b = RNG.normal(size=(128, 2000))
    assert peak(lambda: _solve_triangular(T, b, lower=lower)) < 1.6 * b.nbytes


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan])
def test_many_shifted_by_infinities(special: float) -> None:
    m = Y.copy()
    m[3, 4] = special
    x = np.minimum(X, m)
    expected = x - Y
    expected[3, 4] = {np.inf: -np.inf, -np.inf: -np.inf}.get(special, np.nan)
    np.testing.assert_array_equal(_shifted(x, m), expected)
    np.testing.assert_array_equal(_shifted(m, m)[3, 4], 0.0 if special == np.inf else expected[3, 4])
