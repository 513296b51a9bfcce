"""The graph as a small SVG where Graphviz isn't there to draw it: layers from the arguments down.

    svg = sketch(picture.data() | {"wrt": ["x"]})

Values lie below what they are made of (the longest way counts). In each layer they are sorted by the places
of their neighbours, above and below in turn, which leaves few crossings (Sugiyama, Tagawa and Toda, "Methods
for visual understanding of hierarchical system structures", 1981). An arrow that passes layers has a place in
each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

HIGH, GAP, BETWEEN = 38, 34, 16  # pixels: a box, between layers, between boxes
LETTER, LEAST, BEND = 6.8, 44, 10
SWEEPS = 8
INK, PAPER, ARGUMENT = "#555d68", "#ffffff", "#fdf3e1"
Data = Mapping[str, Any]


@dataclass(eq=False)
class _Place:
    """A box, or where an arrow passes a layer; `x` is its middle."""

    rows: tuple[str, ...] = ()
    fill: str = PAPER
    layer: int = 0
    x: float = 0.0
    above: list[_Place] = field(default_factory=list)
    below: list[_Place] = field(default_factory=list)

    @property
    def width(self) -> float:
        return max(LEAST, 16 + LETTER * max(map(len, self.rows))) if self.rows else 2.0


def sketch(data: Data) -> str:
    """The picture; a box that the report would show closed is one box here."""
    places = _places(data)
    layers = _layers(places)
    _sort(layers)
    _spread(layers)
    return _svg(layers)


def _places(data: Data) -> list[_Place]:
    """The boxes, each after what it is made of."""
    values = {value["number"]: value for value in data["values"]}
    keys = {number: _shown(data["boxes"], value) for number, value in values.items()}
    operands: dict[str, dict[str, None]] = {key: {} for key in keys.values()}
    found: dict[str, _Place] = {}
    for number, value in values.items():
        key = keys[number]
        found.setdefault(key, _place(data, value, key))
        operands[key] |= {keys[o]: None for o in value["operands"] if o in keys and keys[o] != key}
    order = list(_ordered(operands))
    passed: set[str] = set()
    for key in order:
        passed.add(key)
        for other in operands[key]:
            if other in passed:  # else it leads back, as what boxes hold may
                found[key].above.append(found[other])
                found[other].below.append(found[key])
    return [found[key] for key in order]


def _ordered(operands: Mapping[str, Collection[str]]) -> Iterator[str]:
    """The keys, each after its operands but for those that it leads to itself."""
    met: set[str] = set()
    for key in operands:
        waiting = [(key, iter(operands[key]))] if key not in met else []
        met.add(key)
        while waiting:
            current, rest = waiting[-1]
            following = next((other for other in rest if other not in met), None)
            if following is None:
                waiting.pop()
                yield current
            else:
                met.add(following)
                waiting.append((following, iter(operands[following])))


def _shown(boxes: Sequence[Data], value: Data) -> str:
    """The value itself, or the outermost closed box around it."""
    shown, box = f"v{value['number']}", value["box"]
    while box >= 0:
        if not boxes[box]["open"]:
            shown = f"b{box}"
        box = boxes[box]["parent"]
    return shown


def _place(data: Data, value: Data, key: str) -> _Place:
    if key[0] == "b":
        box = data["boxes"][int(key[1:])]
        return _Place((_cut(box["label"]), box["kind"]), "#eef2f7")
    if value["kind"] == "constant":
        return _Place((_cut(value["op"]),), "#f1f1f1")
    own = value["kind"] == "argument"
    title = value["name"] if own else f"{value['name']} = {value['op']}"
    return _Place((_cut(title), value["type"]), ARGUMENT if own and value["name"] in data["wrt"] else PAPER)


def _cut(text: str) -> str:
    return text if len(text) <= 32 else text[:31] + "…"


# --- the layout --------------------------------------------------------------------------------------


def _layers(places: Sequence[_Place]) -> list[list[_Place]]:
    """The places by layers; arrows over several layers get places between."""
    for place in places:
        place.layer = max((other.layer + 1 for other in place.above), default=0)
    for place in places:  # what others are made of stands right above the first of them
        if not place.above and place.below:
            place.layer = min(other.layer for other in place.below) - 1
    layers: list[list[_Place]] = [[] for _ in range(max((p.layer for p in places), default=0) + 1)]
    for place in places:
        layers[place.layer].append(place)
        place.above = [_led(other, place, layers) for other in place.above]
    return layers


def _led(start: _Place, end: _Place, layers: list[list[_Place]]) -> _Place:
    """The last place on the way from one to another below."""
    current = start
    for layer in range(start.layer + 1, end.layer):
        passing = _Place(layer=layer, above=[current])
        current.below[current.below.index(end)] = passing
        passing.below = [end]
        layers[layer].append(passing)
        current = passing
    return current


def _sort(layers: list[list[_Place]]) -> None:
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            neighbours: Callable[[_Place], list[_Place]] = (
                (lambda p: p.above) if down else (lambda p: p.below)
            )
            where = {id(p): k for k, p in enumerate(layer)}
            layer.sort(key=lambda p: (_mean(neighbours(p), where[id(p)]), where[id(p)]))
            for k, place in enumerate(layer):
                place.x = k


def _mean(places: Sequence[_Place], otherwise: float) -> float:
    return sum(p.x for p in places) / len(places) if places else otherwise


def _spread(layers: list[list[_Place]]) -> None:
    """Each near the middle of its neighbours, none upon another."""
    for layer in layers:
        _put(layer, [0.0] * len(layer))
    for sweep in range(2 * SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_mean(p.above + p.below, p.x) for p in layer]
            _put(layer, wanted)
    left = min((p.x - p.width / 2 for layer in layers for p in layer), default=0.0)
    for layer in layers:
        for place in layer:
            place.x += 4 - left


def _put(layer: Sequence[_Place], wanted: Sequence[float]) -> None:
    """Places as near to what they want as order and widths allow: between the tightest on either side."""
    rightmost, leftmost = list(wanted), list(wanted)
    for k in range(1, len(layer)):
        rightmost[k] = max(wanted[k], rightmost[k - 1] + _apart(layer, k))
    for k in range(len(layer) - 2, -1, -1):
        leftmost[k] = min(wanted[k], leftmost[k + 1] - _apart(layer, k + 1))
    for place, right, left in zip(layer, rightmost, leftmost):
        place.x = (right + left) / 2


def _apart(layer: Sequence[_Place], k: int) -> float:
    return (layer[k - 1].width + layer[k].width) / 2 + BETWEEN


# --- as text -----------------------------------------------------------------------------------------


def _top(place: _Place) -> float:
    return 4 + place.layer * (HIGH + GAP)


def _svg(layers: Sequence[Sequence[_Place]]) -> str:
    places = [place for layer in layers for place in layer]
    wide = max((p.x + p.width / 2 for p in places), default=0.0) + 4
    high = len(layers) * (HIGH + GAP) - GAP + 8
    marker = (
        f'<marker id="autodiffc-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0L8 4L0 8z" fill="{INK}"/></marker>'
    )
    arrows = "".join(_arrow(start, end) for end in places for start in end.above)
    boxes = "".join(map(_box, filter(lambda p: p.rows, places)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" '
        f'viewBox="0 0 {wide:.0f} {high:.0f}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif">'
        f"<defs>{marker}</defs>{arrows}{boxes}</svg>"
    )


def _arrow(start: _Place, end: _Place) -> str:
    y = _top(start) + (HIGH if start.rows else HIGH / 2)
    to = _top(end) + (0 if end.rows else HIGH / 2)
    bends = f"{start.x:.1f} {y + BEND:.1f} {end.x:.1f} {to - BEND:.1f}"
    tip = ' marker-end="url(#autodiffc-tip)"' if end.rows else ""
    way = f"M{start.x:.1f} {y:.1f}C{bends} {end.x:.1f} {to:.1f}"
    return f'<path d="{way}" fill="none" stroke="{INK}"{tip}/>'


def _box(place: _Place) -> str:
    left, top = place.x - place.width / 2, _top(place)
    shape = (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{place.width:.1f}" height="{HIGH}" rx="6" '
        f'fill="{place.fill}" stroke="{INK}"/>'
    )
    title, *more = place.rows
    lines = [_line(place.x, top + (16 if more else 23), title, 'font-size="11" font-weight="bold"')]
    lines += [_line(place.x, top + 30, row, f'font-size="9" fill="{INK}"') for row in more]
    return shape + "".join(lines)


def _line(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" {style}>{escape(text)}</text>'


__all__ = ["sketch"]
