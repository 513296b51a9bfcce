"""Whether two answers are the same value and gradients.

>>> import numpy as np
>>> difference((1.0, (np.ones(3),)), (1.0, (np.ones(3) + 1e-3,)))
0.001
>>> difference((1.0, (np.ones(3),)), (1.0, (np.ones(2),)))
inf
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .workload import Answer


def relative(found: Any, expected: Any) -> float:
    """The largest error in units of the largest element; infinite where shapes or special values differ."""
    a, b = np.asarray(found, float), np.asarray(expected, float)
    if a.shape != b.shape:
        return math.inf
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.isfinite(a[finite]).all():
        return math.inf
    if not finite.any():
        return 0.0
    error = float(np.abs(a[finite] - b[finite]).max())
    return error / (float(np.abs(b[finite]).max()) or 1.0)


def difference(found: Answer, expected: Answer) -> float:
    """The worst relative error of the value and of each gradient."""
    if len(found[1]) != len(expected[1]):
        return math.inf
    pairs = [(found[0], expected[0]), *zip(found[1], expected[1])]
    return max(relative(a, b) for a, b in pairs)
