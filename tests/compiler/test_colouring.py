"""Colours of columns and star colourings: valid, sufficient, as few as CasADi's, linear in the elements.

The counts of CasADi are those that its 3.8 gives (`Sparsity.uni_coloring`, `Sparsity.star_coloring`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from autodiffc.compiler.colouring import _coloured_columns, _stands_alone, _star_coloured
from hypothesis import given
from hypothesis import strategies as st
from numpy import ndarray
from work import calls_of

Pattern = tuple[ndarray, ndarray]


def symmetric(size: int, pairs: Iterable[tuple[int, int]], diagonal: bool = True) -> Pattern:
    both = {(i, j) for pair in pairs for i, j in (pair, pair[::-1])}
    own = {(i, i) for i in range(size)} if diagonal else set()
    return listed(both | own)


def listed(elements: Iterable[tuple[int, int]]) -> Pattern:
    found = np.array(sorted(elements), np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def count(colours: ndarray) -> int:
    return int(colours.max(initial=-1)) + 1


def grid(side: int) -> list[tuple[int, int]]:
    right = [(side * i + j, side * i + j + 1) for i in range(side) for j in range(side - 1)]
    return right + [(side * i + j, side * (i + 1) + j) for i in range(side - 1) for j in range(side)]


SHAPES = {
    "empty": (30, [], 1, 1),
    "arrow, its head first": (30, [(0, i) for i in range(1, 30)], 30, 2),
    "arrow, its head last": (30, [(29, i) for i in range(29)], 30, 2),
    "tridiagonal": (30, [(i, i + 1) for i in range(29)], 3, 3),
    "a ring": (30, [(i, (i + 1) % 30) for i in range(30)], 3, 3),
    "five bands": (30, [(i, j) for i in range(30) for j in (i + 1, i + 2) if j < 30], 5, 5),
    "full": (8, list(combinations(range(8), 2)), 8, 8),
    "a grid": (64, grid(8), 7, 6),
    "two hubs": (30, [(h, i) for h in (0, 1) for i in range(2, 30)], 30, 3),
}  # size, pairs, CasADi's columns, CasADi's star


@pytest.mark.parametrize("name", SHAPES)
def test_no_more_than_casadi(name: str) -> None:
    size, pairs, columns, star = SHAPES[name]
    rows, cols = symmetric(size, pairs)
    assert count(_coloured_columns(rows, cols, size, size)) <= columns
    assert count(_star_coloured(rows, cols, size)) <= star


# The sums of the counts of 100 random matrices each, drawn as below.
RANDOM = [(0, 952, 594), (1, 1038, 628)]


def random_pairs(rng: np.random.Generator) -> tuple[int, list[tuple[int, int]]]:
    size = int(rng.integers(3, 60))
    pairs = rng.integers(0, size, (int(rng.integers(0, 4 * size)), 2))
    return size, [(int(i), int(j)) for i, j in pairs]


@pytest.mark.parametrize(("seed", "columns", "star"), RANDOM)
def test_random_matrices_no_more_than_casadi(seed: int, columns: int, star: int) -> None:
    rng = np.random.default_rng(seed)
    found = [0, 0]
    for _ in range(100):
        size, pairs = random_pairs(rng)
        rows, cols = symmetric(size, pairs)
        found[0] += count(_coloured_columns(rows, cols, size, size))
        found[1] += count(_star_coloured(rows, cols, size))
    assert found[0] <= columns
    assert found[1] <= star


ELEMENTS = st.sets(st.tuples(st.integers(0, 7), st.integers(0, 9)), max_size=40)


@given(ELEMENTS)
def test_columns_of_one_colour_meet_in_no_row(elements: set[tuple[int, int]]) -> None:
    rows, cols = listed(elements)
    colours = _coloured_columns(rows, cols, 8, 10)
    met = {(i, int(colours[j])) for i, j in elements}
    assert len(met) == len(elements)
    assert {j for j in range(10) if colours[j] < 0} == set(range(10)) - {j for _, j in elements}
    assert _stands_alone(rows, cols, colours).all()


@given(st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=30), st.booleans())
def test_a_symmetric_matrix_is_told_by_its_product(pairs: set[tuple[int, int]], diagonal: bool) -> None:
    rows, cols = symmetric(9, pairs, diagonal)
    colours = _star_coloured(rows, cols, 9)
    matrix = np.zeros((9, 9))
    matrix[rows, cols] = 1.0 + rows * cols + rows + cols
    products = matrix @ (colours[:, None] == np.arange(count(colours)))
    alone = _stands_alone(rows, cols, colours)
    read = np.where(alone, products[rows, colours[cols]], products[cols, colours[rows]])
    assert np.array_equal(read, matrix[rows, cols])


@given(st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=30))
def test_two_colours_make_stars(pairs: set[tuple[int, int]]) -> None:
    """Neighbours differ, and no path of four vertices has two colours: the definition itself."""
    rows, cols = symmetric(9, pairs, diagonal=False)
    colours = _star_coloured(rows, cols, 9)
    beside: dict[int, set[int]] = {i: set() for i in range(9)}
    for i, j in zip(rows.tolist(), cols.tolist()):
        if i != j:
            beside[i].add(j)
            assert colours[i] != colours[j]
    for b in range(9):
        for c in beside[b]:
            for a in beside[b] - {c}:
                for d in beside[c] - {a, b}:
                    assert colours[a] != colours[c] or colours[b] != colours[d]


def band(size: int) -> Pattern:
    rows = np.repeat(np.arange(size), 5)
    cols = rows + np.tile(np.arange(-2, 3), size)
    inside = (cols >= 0) & (cols < size)
    return rows[inside], cols[inside]


def star(size: int) -> Pattern:
    leaves = np.arange(1, size)
    return np.concatenate([0 * leaves, leaves]), np.concatenate([leaves, 0 * leaves])


@pytest.mark.parametrize("pattern", [band, star])
def test_work_grows_with_the_elements(pattern: Callable[[int], Pattern]) -> None:
    """Twenty times the elements take some twenty times the calls; 100,000 are coloured, too."""

    def colour(size: int) -> None:
        rows, cols = pattern(size)
        _coloured_columns(rows[:size], cols[:size], size, size)
        _star_coloured(rows, cols, size)

    colour(100)  # what is done but once
    few, many = (calls_of(partial(colour, size)) for size in (500, 10_000))
    assert many < 25 * few
    colour(100_000)


def test_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert _coloured_columns(none, none, 0, 0).size == _star_coloured(none, none, 0).size == 0
    assert _coloured_columns(none, none, 3, 2).tolist() == [-1, -1]
    assert _stands_alone(none, none, none).size == 0
