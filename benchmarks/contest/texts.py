"""Numbers and tables as text.

>>> duration(3.2e-6)
'3.2 µs'
>>> print("\\n".join(table([("a", "b"), ("1", "22")])))
| a | b |
| --- | ---: |
| 1 | 22 |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from .timing import Spread

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def digits(value: float) -> str:
    """Two digits, or all before the point."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.95 else f"{value:.2f}"


def duration(seconds: float) -> str:
    size, unit = next((pair for pair in UNITS if seconds >= pair[0]), UNITS[-1])
    return f"{digits(seconds / size)} {unit}"


def amount(size: float) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def times(value: Spread | None, fits: Callable[[float], bool] = lambda shown: True) -> str:
    """The median, in as many digits as `fits` wants, and the quartiles where they differ."""
    if value is None:
        return "–"
    low, median, high = map(digits, value)
    longer = (median, f"{value.median:.1f}", f"{value.median:.2f}")
    median = next((text for text in longer if fits(float(text))), median)
    return f"×{median}" if low == high else f"×{median} ({low}–{high})"


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Markdown; the first row is the head, the first column words and the others numbers."""
    head, *body = rows
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for row in body:
        yield "| " + " | ".join(row) + " |"


def aligned(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """For the terminal."""
    rows = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))
        )
        yield "  ".join(cells).rstrip()
