"""Plots of characters.

>>> spark([0, 1, 4, 9]), bar(0.4375, 4), trend([1.0, 2.0, 3.0])
('▁▁▄█', '█▊', '▁▄█')
>>> print("\\n".join(chart([1e-4, 1e-2, 1.0], height=2, width=3)))
   1 │  █
1e-4 │▁██
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, isfinite, log10
from typing import TypeVar

Shown = TypeVar("Shown")
LEVELS = "▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉█"
FLOOR = -300.0  # the logarithm of what is drawn as nothing


def spark(counts: Sequence[float]) -> str:
    """A bar of eight levels for each count; nothing for 0."""
    top = max(counts, default=0.0)
    return "".join(LEVELS[_level(count / top)] if count else "▁" if top else " " for count in counts)


def trend(values: Sequence[float], logarithmic: bool = False, width: int = 16) -> str:
    """A bar for each value, from the smallest to the largest."""
    shown = thinned(values, width)
    scaled = [logarithm(v) if logarithmic else v for v in shown]
    known = [v for v in scaled if isfinite(v) and v > FLOOR]
    low, high = min(known, default=0.0), max(known, default=0.0)
    shares = [(v - low) / (high - low) if high > low else 0.5 for v in scaled]
    return "".join(LEVELS[_level(s)] if isfinite(s) and s >= 0.0 else " " for s in shares)


def _level(share: float) -> int:
    return max(0, min(len(LEVELS) - 1, ceil(share * len(LEVELS)) - 1))


def bar(share: float, width: int) -> str:
    """A bar of this share of the width."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()


def logarithm(value: float) -> float:
    """To base 10; what isn't positive is as low as can be drawn."""
    return log10(value) if value > 0.0 and isfinite(value) else FLOOR


def decades(values: Sequence[float]) -> tuple[float, float]:
    """The whole powers of ten that the positive values lie between."""
    logs = [logarithm(v) for v in values if v > 0.0 and isfinite(v)]
    if not logs:
        return -1.0, 0.0
    high = ceil(max(logs))
    return float(min(floor(min(logs)), high - 1)), float(high)


def log_bars(values: Sequence[float], width: int) -> list[str]:
    """A bar for each value, on a logarithmic scale; one character where there is hardly anything."""
    low, high = decades(values)
    low -= 0.25 * (high - low)
    return [bar(max(0.02, (logarithm(v) - low) / (high - low)), width) if v > 0.0 else "" for v in values]


def chart(values: Sequence[float], height: int = 4, width: int = 72) -> Iterator[str]:
    """Columns on a logarithmic scale, with the powers of ten at the side."""
    wide = max(1, width // max(1, len(values)))
    shown = [value for value in thinned(values, width) for _ in range(wide)]
    low, high = decades(shown)
    labels = [power(high), *[""] * (height - 2), power(low)]
    margin = max(map(len, labels))
    shares = [(logarithm(v) - low) / (high - low) * height if v > 0.0 else -1.0 for v in shown]
    for row, label in zip(range(height - 1, -1, -1), labels):
        yield f"{label:>{margin}} │{''.join(_cell(share - row, row == 0) for share in shares)}".rstrip()


def _cell(filled: float, bottom: bool) -> str:
    if filled >= 1.0:
        return "█"
    return LEVELS[_level(filled)] if filled > 0.0 or (bottom and filled == 0.0) else " "


def thinned(values: Sequence[Shown], width: int) -> list[Shown]:
    """At most so many of the values, the first and the last among them."""
    if len(values) <= width:
        return list(values)
    return [values[round(k * (len(values) - 1) / (width - 1))] for k in range(width)]


def power(exponent: float) -> str:
    """A power of ten."""
    whole = round(exponent)
    return str(10**whole) if 0 <= whole <= 2 else f"1e{whole}"
