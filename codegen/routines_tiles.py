"""How rows are cut into tiles that the cache holds, and what the tiles give is added up.

>>> [(tile.start, tile.stop) for tile in _tiles(100_000, 8)]
[(0, 14286), (14286, 28572), (28572, 42858), (42858, 57144), (57144, 71430), (71430, 85716), (85716, 100002)]
>>> _summed(iter([(1.0, np.ones(2)), (2.0, np.ones(2)), (4.0, np.ones(2))]))
(7.0, array([3., 3.]))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

_REAL = np.float64


def _tiles(rows: int, width: int, added: int = 0) -> list[slice]:
    """Slices of rows, of which a tile has `width` numbers each in use at once: the cache holds them.

    Each tile adds to sums of `added` numbers, which should be little beside its own work. Tiles
    of one size share their memory.
    """
    least = max(-(-rows * width // max(131_072, 8 * added)), 1)
    even = (count for count in range(least, 3 * least // 2 + 1) if rows % count == 0)
    step = -(-rows // next(even, least))
    return [slice(start, start + step) for start in range(0, rows, max(step, 1))]


def _summed(parts: Iterator[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The sums of what tiles give, added up in double precision; of a single tile just that."""
    first = next(parts)
    second = next(parts, None)
    if second is None:
        return first
    real = [np.ndim(a) > 0 and a.dtype.kind == "f" for a in first]
    sums = [np.add(a, b, dtype=np.float64) if r else a + b for a, b, r in zip(first, second, real)]
    for part in parts:
        for i, value in enumerate(part):
            sums[i] += value
    return tuple(a.astype(_REAL, copy=False) if r else a for a, r in zip(sums, real))
