"""The classes of emitted modules with sparse derivatives, as real classes; their source is copied.

rows, cols, values = module.sparse_jacobian(x)
"""

from __future__ import annotations

import inspect
from typing import NamedTuple

from numpy import ndarray


class Sparse(NamedTuple):
    """A matrix as those of its elements that may differ from 0."""

    rows: ndarray
    cols: ndarray
    values: ndarray


class Colouring(NamedTuple):
    """A pattern, its colours, and what it was made of; `taken` is where the products have each element."""

    rows: ndarray
    cols: ndarray
    colours: ndarray
    taken: ndarray
    made_of: tuple[ndarray, ...]


def class_source(kind: type) -> str:
    """The source of a class, as it is copied."""
    return inspect.getsource(kind).rstrip("\n")
