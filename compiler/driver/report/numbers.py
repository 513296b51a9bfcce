"""Arrays in a few characters, for lines of a picture, and in a few lines, beside it.

>>> brief(np.array(0.123456)), brief(np.array([1.0, -2.5])), brief(np.zeros((3, 4)))
('0.1235', '[1, −2.5]', '3×4: 0')
>>> brief(np.array([[0.25, 1.0], [-3.0, 2.0], [0.0, 0.5]]))
'3×2: −3 … 2'
"""

from __future__ import annotations

from math import isfinite, isnan

import numpy as np
from autodiffc.compiler.ir import Array

SHORT = 3  # numbers of an array on a line of the picture
ROWS, COLUMNS = 6, 6  # of a matrix beside it


def brief(array: Array) -> str:
    """On one line."""
    if array.ndim == 0:
        return number(array.item())
    if array.ndim == 1 and array.size <= SHORT:
        return f"[{', '.join(map(number, array.tolist()))}]"
    size = "×".join(map(str, array.shape))
    if not array.size:
        return f"{size}: empty"
    if np.isnan(array).any():
        return f"{size}: {int(np.isnan(array).sum())} NaN"
    low, high = number(array.min().item()), number(array.max().item())
    return f"{size}: {low}" if low == high else f"{size}: {low} … {high}"


def number(value: float | int | bool, digits: int = 4) -> str:
    """A number with so many digits at most."""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value).lower().replace("-", "−")
    if not isfinite(value):
        return "NaN" if isnan(value) else "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}g}"
    mantissa, e, exponent = text.partition("e")
    return (mantissa + (f"e{int(exponent)}" if e else "")).replace("-", "−")


def full(array: Array) -> str:
    """On as many lines as it takes; the middle of what is large is left out."""
    if array.ndim == 0:
        return number(array.item(), 8)
    if not array.size:
        return brief(array)
    if array.ndim > 2:
        return f"{brief(array)}, the first of them:\n{full(array[(0,) * (array.ndim - 2)])}"
    rows = [[number(x.item()) for x in _ends(row, COLUMNS)] for row in _ends(np.atleast_2d(array), ROWS)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["  ".join(map(str.rjust, row, widths)) for row in rows]
    wide = np.atleast_2d(array).shape[1] > COLUMNS
    lines = [_dotted(line, widths) if wide else line for line in lines]
    if array.ndim == 2 and array.shape[0] > ROWS:
        lines.insert(ROWS // 2, "⋮")
    return "\n".join(lines)


def _ends(array: Array, most: int) -> list[Array]:
    """The first and the last elements."""
    if len(array) <= most:
        return list(array)
    return [*array[: most // 2], *array[-(most // 2) :]]


def _dotted(line: str, widths: list[int]) -> str:
    middle = sum(widths[: COLUMNS // 2]) + 2 * (COLUMNS // 2) - 2
    return f"{line[:middle]}  …{line[middle:]}"
