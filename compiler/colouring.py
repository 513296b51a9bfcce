"""Colours for the columns of a sparse matrix, so that few products with it tell all its elements.

>>> rows, cols = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 2, 2, 3])
>>> _coloured_columns(rows, cols, 3, 4).tolist()
[0, 1, 0, 1]

Columns of one colour meet in no row, so in their sum each element stands alone (Curtis, Powell & Reid, J.
Inst. Math. Appl. 13 (1974), 117-119). A symmetric matrix needs fewer: it is enough that of (i, j) and (j, i)
one stands alone. That is so for a star colouring: neighbours have different colours, and the vertices of any
two colours form stars, no path of four (Gebremedhin, Manne & Pothen, "What color is your Jacobian?", SIAM
Review 47 (2005), 629-705; the stars are kept as in Gebremedhin et al., SIAM J. Sci. Comput. 29 (2007),
1042-1072). Both are greedy; the work grows with the number of elements, not with that of pairs of columns.

The functions are copied into modules that have sparse derivatives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy import ndarray


def _grouped(keys: ndarray, values: ndarray, count: int) -> list[list[int]]:
    """For each key from 0 on the values that have it."""
    flat = values[np.argsort(keys, kind="stable")].tolist()
    stops = np.cumsum(np.bincount(keys, minlength=count)).tolist()
    return [flat[start:stop] for start, stop in zip([0, *stops], stops)]


def _largest_first(members: Sequence[Sequence[int]]) -> list[int]:
    """The positions, those with the most members first."""
    return sorted(range(len(members)), key=lambda i: -len(members[i]))


def _greedy(members: Sequence[Sequence[int]], order: Iterable[int], rows: int) -> list[int]:
    """For each column in turn the first colour that its rows don't have; -1 for one without rows."""
    taken = [0] * rows  # a bit for each colour
    colours = [-1] * len(members)
    for column in order:
        mine = members[column]
        met = 0
        for row in mine:
            met |= taken[row]
        free = ~met & (met + 1)
        for row in mine:
            taken[row] |= free
        if mine:
            colours[column] = free.bit_length() - 1
    return colours


def _coloured_columns(rows: ndarray, cols: ndarray, height: int, width: int) -> ndarray:
    """A colour for each column such that columns of one colour meet in no row; -1 for an empty one."""
    members = _grouped(cols, rows, width)
    colours = _greedy(members, range(width), height)
    fewest = np.bincount(rows, minlength=1).max()
    if max(colours, default=-1) + 1 > fewest:
        other = _greedy(members, _largest_first(members), height)
        colours = min(colours, other, key=max)
    return np.array(colours, np.int64)


def _star_greedy(neighbours: Sequence[Sequence[int]], order: Iterable[int]) -> list[int]:
    """For each vertex in turn the first colour that leaves no path of four vertices with two colours.

    That of a vertex two steps away is free if the one between is coloured and no leaf of a star
    around it.
    """
    colours = [-1] * len(neighbours)
    around = [0] * len(neighbours)  # the colours of the neighbours, a bit for each
    centres = [0] * len(neighbours)  # the colours of the centres of stars of which it is a leaf
    first: dict[tuple[int, int], int] = {}  # a vertex's first neighbour of a colour
    for vertex in order:
        met = 0
        for w in neighbours[vertex]:
            met |= around[w] if colours[w] < 0 else centres[w] | 1 << colours[w]
        free = ~met & (met + 1)
        colour = colours[vertex] = free.bit_length() - 1
        for w in neighbours[vertex]:
            around[w] |= free
            if colours[w] >= 0:
                first[vertex, colours[w]] = w
                leaf = first.setdefault((w, colour), vertex)
                if leaf != vertex:
                    centres[vertex] |= 1 << colours[w]
                    centres[leaf] |= 1 << colours[w]
    return colours


def _star_coloured(rows: ndarray, cols: ndarray, size: int) -> ndarray:
    """A colour for each column of a symmetric matrix such that its elements can be told by symmetry."""
    beside = rows != cols
    neighbours = _grouped(rows[beside], cols[beside], size)
    orders = (range(size), _largest_first(neighbours))
    colours = min(
        (_star_greedy(neighbours, order) for order in orders),
        key=lambda found: max(found, default=0),
    )
    return np.array(colours, np.int64)


def _stands_alone(rows: ndarray, cols: ndarray, colours: ndarray) -> ndarray:
    """Whether no other element of its row is in a column of the same colour, for each element."""
    keys = rows * (colours.max(initial=0) + 1) + colours[cols]
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    alone: ndarray = counts[place.ravel()] == 1
    return alone
