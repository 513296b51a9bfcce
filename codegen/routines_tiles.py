"""How rows are cut into tiles that the cache holds.

>>> [(tile.start, tile.stop) for tile in _tiles(100_000, 8)]
[(0, 14286), (14286, 28572), (28572, 42858), (42858, 57144), (57144, 71430), (71430, 85716), (85716, 100002)]
"""

from __future__ import annotations


def _tiles(rows: int, width: int) -> list[slice]:
    """Slices of rows, of which a tile has `width` numbers each in use at once: the cache is to hold them."""
    size = rows * width
    if size <= 524_288:
        return [slice(0, rows)] if rows else []
    step = -(-rows // -(-size // 131_072))
    return [slice(start, start + step) for start in range(0, rows, step)]
