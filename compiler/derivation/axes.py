"""Which axes of an array are which axes of its reshaped form.

>>> from ..types import Dim
>>> T, B, H = map(Dim.symbol, "TBH")
>>> pairs_of((T * B, H), (T, B, H))
[([0], [0, 1]), ([1], [2])]
"""

from __future__ import annotations

from collections.abc import Sequence

from ..types import Dim, size_of

Pairs = list[tuple[list[int], list[int]]]


def pairs_of(new: Sequence[Dim], old: Sequence[Dim]) -> Pairs | None:
    """The axes of either shape that make up the same elements, one on one side at least; else None.

    Axes of length 1 belong to none.
    """
    for found in (_groups(new, old), [(a, b) for b, a in _groups(old, new) or ()] or None):
        if found is not None and all(len(a) == 1 or len(b) == 1 for a, b in found):
            return found
    return None


def _groups(new: Sequence[Dim], old: Sequence[Dim]) -> Pairs | None:
    one = Dim.of(1)
    left = [i for i, d in enumerate(new) if d != one]
    right = [i for i, d in enumerate(old) if d != one]
    result = []
    while left or right:
        a, b = left[:1], right[:1]
        while size_of(tuple(new[i] for i in a)) != size_of(tuple(old[i] for i in b)):
            if len(a) == len(left) and len(b) == len(right):
                return None
            longer = len(b) < len(right) and (len(a) == len(left) or len(a) > len(b) or len(a) == 1)
            if longer:
                b = right[: len(b) + 1]
            else:
                a = left[: len(a) + 1]
        result.append((a, b))
        left, right = left[len(a) :], right[len(b) :]
    return result
