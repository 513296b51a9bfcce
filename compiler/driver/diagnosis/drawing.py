"""Plots as SVG, in the colours of the page they are in, with a text for who can't see them.

>>> histogram((1, 3), "two bins")[:60]
'<svg class="histogram" viewBox="0 0 48 28" role="img" aria-l'
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .plots import decades, logarithm, power, thinned
from .words import number

WIDTH, HEIGHT, MARGIN = 720, 250, 56
ROW, NAMES = 26, 260
MOST = 400


def histogram(counts: Sequence[int], text: str) -> str:
    """Small, for a cell of a table."""
    top = max(counts, default=0) or 1
    wide = 24 * len(counts)
    bars = "".join(
        f'<rect x="{24 * k}" y="{28 * (1 - c / top):.1f}" width="23" height="{28 * c / top:.1f}"/>'
        for k, c in enumerate(counts)
        if c
    )
    return _svg("histogram", wide, 28, text, bars, ' preserveAspectRatio="none"')


def bars(rows: Sequence[tuple[str, float]], text: str) -> str:
    """A bar for each row, on a logarithmic scale."""
    low, high = decades([value for _, value in rows])
    low -= 0.25 * (high - low)
    wide = WIDTH - NAMES - 70
    drawn = []
    for k, (label, value) in enumerate(rows):
        y = ROW * k
        length = wide * max(0.01, (logarithm(value) - low) / (high - low)) if value > 0.0 else 0.0
        drawn.append(
            f'<text x="{NAMES - 8}" y="{y + 17}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="bar" x="{NAMES}" y="{y + 4}" width="{length:.1f}" height="{ROW - 8}"/>'
            f'<text x="{NAMES + length + 6:.1f}" y="{y + 17}">{number(value)}</text>'
        )
    return _svg("plot", WIDTH, ROW * len(rows), text, "".join(drawn))


def lines(series: Sequence[tuple[str, Sequence[float]]], below: str, text: str) -> str:
    """Lines on a common logarithmic scale; `below` says what goes along the axis."""
    low, high = decades([value for _, values in series for value in values])
    top = 18 * len(series) + 14
    drawn = [_grid(low, high, top)]
    for k, (label, values) in enumerate(series):
        shown = thinned(values, MOST)
        across = (WIDTH - MARGIN - 10) / max(1, len(shown) - 1)
        points = " ".join(
            f"{MARGIN + across * i:.1f},{_y(logarithm(v), low, high, top):.1f}"
            for i, v in enumerate(shown)
            if v > 0.0
        )
        drawn.append(f'<polyline class="line{k}" points="{points}"/>')
        drawn.append(f'<text class="name{k}" x="{MARGIN}" y="{14 + 18 * k}">{escape(label)}</text>')
    drawn.append(f'<text x="{WIDTH - 10}" y="{HEIGHT - 6}" text-anchor="end">{escape(below)}</text>')
    return _svg("plot", WIDTH, HEIGHT, text, "".join(drawn))


def _y(exponent: float, low: float, high: float, top: float) -> float:
    share = min(1.0, max(0.0, (exponent - low) / (high - low)))
    return HEIGHT - 28 - share * (HEIGHT - 28 - top)


def _grid(low: float, high: float, top: float) -> str:
    every = max(1, round((high - low) / 5))
    found = []
    for exponent in range(round(low), round(high) + 1, every):
        y = _y(exponent, low, high, top)
        found.append(
            f'<line x1="{MARGIN}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{power(exponent)}</text>'
        )
    return "".join(found)


def _svg(kind: str, width: int, height: int, text: str, content: str, more: str = "") -> str:
    title = escape(text, quote=True)
    box = f'viewBox="0 0 {width} {height}" role="img" aria-label="{title}"{more}'
    return f'<svg class="{kind}" {box}><title>{title}</title>{content}</svg>'
