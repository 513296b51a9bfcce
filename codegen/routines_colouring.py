"""Routines that colour a pattern and say where in the compressed product each of its elements is.

>>> _coloured_by_columns(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2]), 2, 3)[2:]
(array([0, 1, 0]), array([0, 2, 3, 1]), ())

A compressed product has a row for each colour. Last come the ints and sizes that the pattern was made of: for
others it is not the pattern. The colouring itself is in `autodiffc.compiler.colouring`,
whose functions are copied too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from autodiffc.compiler.colouring import _coloured_columns, _stands_alone, _star_coloured
from numpy import ndarray

from .sparse_types import Colouring


def _coloured_by_columns(rows: ndarray, cols: ndarray, height: int, width: int, *made_of: Any) -> Colouring:
    """The pattern with colours of its columns; a product has `height` elements for each."""
    colours = _coloured_columns(rows, cols, height, width)
    taken = colours[cols] * height + rows
    return Colouring(rows, cols, colours, taken, tuple(map(np.array, made_of)))


def _coloured_by_rows(rows: ndarray, cols: ndarray, height: int, width: int, *made_of: Any) -> Colouring:
    """The pattern with colours of its rows; a product has `width` elements for each."""
    colours = _coloured_columns(cols, rows, width, height)
    taken = colours[rows] * width + cols
    return Colouring(rows, cols, colours, taken, tuple(map(np.array, made_of)))


def _coloured_by_star(rows: ndarray, cols: ndarray, size: int, *made_of: Any) -> Colouring:
    """The pattern of a symmetric matrix; an element that doesn't stand alone is read as its mirror image."""
    colours = _star_coloured(rows, cols, size)
    alone = _stands_alone(rows, cols, colours)
    taken = np.where(alone, colours[cols] * size + rows, colours[rows] * size + cols)
    return Colouring(rows, cols, colours, taken, tuple(map(np.array, made_of)))


def _check_colouring(colouring: Any, *made_of: Any) -> None:
    """Refuse what was made of other ints or sizes than these: its pattern is another one."""
    if not isinstance(colouring, Colouring):
        got = type(colouring).__name__
        raise TypeError(f"colouring: expected a Colouring of this module, got {got}")
    if not all(map(np.array_equal, colouring.made_of, made_of)):
        raise ValueError("colouring: made of other sizes or ints than those of the arguments")
