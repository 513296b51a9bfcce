"""Numbers in sentences.

>>> number(0.000123456), percent(0.034), counted(1, "unit"), list_of(["a", "b", "c"]), times(0.0004)
('0.000123', '3%', '1 unit', 'a, b and c', '0.0004 times')
"""

from __future__ import annotations

from collections.abc import Sequence


def number(value: float) -> str:
    """Three digits."""
    text = f"{value:.3g}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def times(ratio: float) -> str:
    """A factor: `0.02 times`."""
    return f"{number(ratio)} times"


def percent(share: float) -> str:
    """A share; not 100% or 0% where something is left."""
    if 0.0 < share < 0.005 or 0.995 < share < 1.0:
        return f"{'less' if share < 0.5 else 'more'} than {1 if share < 0.5 else 99}%"
    return f"{100.0 * share:.0f}%"


def counted(count: int, what: str) -> str:
    """`1 unit`, `3 units`."""
    return f"{count} {what}{'s' if count != 1 else ''}"


def list_of(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else ""
