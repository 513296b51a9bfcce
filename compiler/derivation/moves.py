"""Ops that move elements or pick the largest, element by element.

    k* = argminₖ u[n, k]      put_along(g, k*)[n, k] = g[n] 1[k*[n] = k]
    cumsum(x)[n] = Σ_(i ≤ n) x[i]         roll(x, 1)[n] = x[(n − 1) mod N]

The largest element of a window has its position in the window as an index of two (`(i, j)`), in C order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..ir import Node
from ..types import Dim
from .algebra import added, negated, times
from .places import At, place
from .reader import NotPlain, Reader
from .sums import summed
from .tree import (
    ZERO,
    Call,
    Cases,
    Element,
    Formula,
    Index,
    Indicator,
    Logic,
    Merged,
    Number,
    Relation,
    Total,
)

Rule = Callable[[Reader, Node, At], Formula]


def _with(at: At, axis: int, index: Formula) -> At:
    return (*at[:axis], index, *at[axis + 1 :])


# --- the largest, and where it is ----------------------------------------------------------------


def _first(reader: Reader, node: Node, at: At) -> Formula:
    """The position of the first extreme along an axis, or in the whole array."""
    x, axes = node.args[0], node["axis"]
    splits = [reader.splits(x, axis) for axis in axes]
    with reader.bound([dim for dims in splits for dim in dims]) as indices:
        free, own = iter(indices), iter(at)
        chosen = {axis: _joined(tuple(next(free) for _ in dims), dims) for axis, dims in zip(axes, splits)}
        kept = [next(own) if k not in axes or node["keepdims"] else ZERO for k in range(x.rank)]
        inner = tuple(chosen.get(k, kept[k]) for k in range(x.rank))
        return Total(indices, reader.element(x, inner), node.op.name)


def _joined(indices: tuple[Index, ...], dims: Sequence[Dim]) -> Formula:
    return indices[0] if len(indices) == 1 else Merged(indices, tuple(dims))


def _take_along(reader: Reader, node: Node, at: At) -> Formula:
    x, k = node.args
    axis = node["axis"]
    return reader.element(x, _with(at, axis, reader.counted(k, _with(at, axis, ZERO), x.shape[axis])))


def _put_along(reader: Reader, node: Node, at: At) -> Formula:
    g, k = node.args
    axis = node["axis"]
    chosen = reader.counted(k, _with(at, axis, ZERO), node.shape[axis])
    return times(reader.element(g, _with(at, axis, ZERO)), Indicator(Relation("=", chosen, at[axis])))


# --- windows -------------------------------------------------------------------------------------


def _places(node: Node, window: At, kernel: At) -> At:
    """Where an element of a window is on the plane."""
    spots = zip(window, kernel, node["stride"], node["dilation"], node["padding"])
    return tuple(place(added(_scaled(p, s), _scaled(k, d)), -Dim.of(pad)) for p, k, s, d, pad in spots)


def _scaled(index: Formula, factor: int) -> Formula:
    return times(Number(float(factor)), index) if factor != 1 else index


def _inside(reader: Reader, k: Node, places: At) -> Formula | None:
    """That an element of a window is no part of the rim; None where there is none."""
    plane = k.args[0].shape[2:]
    padded = [(at, n) for at, n, pad in zip(places, plane, k["padding"]) if Dim.of(pad) != Dim.of(0)]
    bounds = [r for at, n in padded for r in (Relation("≤", ZERO, at), Relation("<", at, reader.position(n)))]
    return Logic("and", tuple(bounds)) if bounds else None


def _window(reader: Reader, k: Node, at: At, sign: str) -> Formula:
    with reader.bound([Dim.of(n) for n in k["kernel"]]) as kernel:
        places = _places(k, at[2:], kernel)
        term = Element(reader.operand(k.args[0]), (*at[:2], *places))
        return Total(kernel, term, sign, _inside(reader, k, places))


def _window_argmax(reader: Reader, node: Node, at: At) -> Formula:
    return _window(reader, node, at, "argmax")


def _take_flat(reader: Reader, node: Node, at: At) -> Formula:
    """The largest of a window; of another array the element at the same place."""
    x, position = (reader.resolved(a) for a in node.args)
    k = _windows_of(reader, position)
    if x is reader.resolved(k.args[0]):
        return _window(reader, k, at, "max")
    with reader.bound([Dim.of(n) for n in k["kernel"]]) as kernel:
        here = Indicator(Relation("=", reader.element(position, at), _pair(k, kernel)))
        return Total(kernel, times(reader.element(x, (*at[:2], *_places(k, at[2:], kernel))), here))


def _put_flat(reader: Reader, node: Node, at: At) -> Formula:
    """To each element what belongs to the windows that it is the largest of."""
    g, position = node.args
    k = _windows_of(reader, position)
    if any(d != 1 for d in k["dilation"]):
        return _put_apart(reader, node, k, at)
    with reader.bound(k.shape[2:]) as window:
        origins = _places(k, window, tuple(ZERO for _ in window))
        offsets = tuple(added(i, negated(origin)) for i, origin in zip(at[2:], origins))
        chosen = reader.element(position, (*at[:2], *window))
        here = Indicator(Relation("=", chosen, _pair(k, offsets)))
        return summed(window, times(reader.element(g, (*at[:2], *window)), here))


def _windows_of(reader: Reader, position: Node) -> Node:
    """The op that has found positions in windows, of this step of a loop or of another one."""
    node = reader.resolved(position)
    while node.op.name != "window_argmax":
        if node in reader.steps:
            node = reader.resolved(reader.steps[node][0])
        elif node.op.name in ("gather", "getitem", "flip"):
            node = reader.resolved(node.args[0])
        else:
            raise NotPlain  # what a number in there means is known of windows only
    return node


def _put_apart(reader: Reader, node: Node, k: Node, at: At) -> Formula:
    """The same where the elements of a window are not neighbours."""
    with reader.bound([*k.shape[2:], *map(Dim.of, k["kernel"])]) as indices:
        window, kernel = indices[: len(at) - 2], indices[len(at) - 2 :]
        g, position = node.args
        chosen = Relation("=", reader.element(position, (*at[:2], *window)), _pair(k, kernel))
        here = [Relation("=", i, p) for i, p in zip(at[2:], _places(k, window, kernel))]
        term = reader.element(g, (*at[:2], *window))
        return summed(indices, times(term, Indicator(Logic("and", (chosen, *here)))))


def _pair(k: Node, indices: At) -> Formula:
    return Merged(indices, tuple(Dim.of(n) for n in k["kernel"])) if len(indices) > 1 else indices[0]


# --- sums and products of the first elements -----------------------------------------------------


def _scan(sign: str, relation: str) -> Rule:
    def rule(reader: Reader, node: Node, at: At) -> Formula:
        axis = node["axis"]
        compared = {"<": ">"}.get(relation, relation) if node.get("reverse") else relation
        with reader.bound([node.shape[axis]]) as (i,):
            term = reader.element(node.args[0], _with(at, axis, i))
            return Total((i,), term, sign, Relation(compared, i, at[axis]))

    return rule


def _linear_scan(reader: Reader, node: Node, at: At) -> Formula:
    """s[n] = Σ_(i < n) b[i] ∏_(i < j < n) a[j]."""
    (b, a), axis, n = node.args, node["axis"], at[node["axis"]]
    with reader.bound([node.shape[axis]] * 2) as (i, j):
        low, high = (n, i) if node["reverse"] else (i, n)
        between = Logic("and", (Relation("<", low, j), Relation("<", j, high)))
        factors = Total((j,), reader.element(a, _with(at, axis, j)), "∏", between)
        term = times(reader.element(b, _with(at, axis, i)), factors)
        return Total((i,), term, "Σ", Relation(">" if node["reverse"] else "<", i, n))


def _flip(reader: Reader, node: Node, at: At) -> Formula:
    inner = reader.resolved(node.args[0])
    if inner.op.name == "cumsum" and (inner["axis"],) == node["axis"] and inner not in reader.symbols:
        turned = reader.resolved(inner.args[0])
        if turned.op.name == "flip" and turned["axis"] == node["axis"] and turned not in reader.symbols:
            return _later(reader, turned.args[0], inner["axis"], at)
    mirrored = (
        added(reader.position(node.shape[k] - 1), negated(i)) if k in node["axis"] else i
        for k, i in enumerate(at)
    )
    return reader.element(inner, tuple(mirrored))


def _later(reader: Reader, x: Node, axis: int, at: At) -> Formula:
    """A sum from the back: of an element and all after it."""
    with reader.bound([x.shape[axis]]) as (i,):
        return Total((i,), reader.element(x, _with(at, axis, i)), "Σ", Relation("≥", i, at[axis]))


# --- arrangement ---------------------------------------------------------------------------------


def _roll(reader: Reader, node: Node, at: At) -> Formula:
    inner = list(at)
    for axis, shift in zip(node["axis"], node["shift"]):
        inner[axis] = _around(reader, inner[axis], -Dim.of(shift), node.shape[axis])
    return reader.element(node.args[0], tuple(inner))


def _around(reader: Reader, index: Formula, shift: Dim, length: Dim) -> Formula:
    """The index moved on along an axis whose end is its beginning."""
    size = reader.position(length)
    if isinstance(index, Call) and index.name == "mod" and index.args[1] == size:
        index = index.args[0]
    moved = place(index, shift)
    return moved if isinstance(moved, Index) and moved.size == length else Call("mod", (moved, size))


def _pad(reader: Reader, node: Node, at: At) -> Formula:
    x = node.args[0]
    if node["mode"] != "constant":
        return reader.part(reader.function(node), at)
    inner = tuple(place(i, -Dim.of(before)) for i, (before, _) in zip(at, node["widths"]))
    if node["value"] == 0:
        return Element(reader.operand(x), inner, True)
    bounds = [
        relation
        for i, size, widths in zip(inner, x.shape, node["widths"])
        if any(Dim.of(w) != Dim.of(0) for w in widths)
        for relation in (Relation("≤", ZERO, i), Relation("<", i, reader.position(size)))
    ]
    return Cases(Logic("and", tuple(bounds)), reader.element(x, inner), Number(float(node["value"])))


def _concatenate(reader: Reader, node: Node, at: At) -> Formula:
    """Which part an element belongs to, by its position."""
    axis, start = node["axis"], Dim.of(0)
    parts: list[tuple[Dim, Formula]] = []
    unit: Formula | None = None
    for x in node.args:
        inner = reader.element(x, _with(at, axis, place(at[axis], -start)))
        start = start + x.shape[axis]
        if _is_before(at[axis], start):
            return inner if not parts else _by_position(reader, at[axis], [*parts, (start, inner)])
        parts.append((start, inner))
        if reader.is_unit(x):
            unit = inner
    if unit is not None and all(inner in (unit, ZERO) for _, inner in parts):
        return unit
    return _by_position(reader, at[axis], parts)


def _is_before(index: Formula, end: Dim) -> bool:
    return isinstance(index, Number) and end.known is not None and 0 <= index.value < end.known


def _by_position(reader: Reader, index: Formula, parts: Sequence[tuple[Dim, Formula]]) -> Formula:
    result = parts[-1][1]
    for end, formula in reversed(parts[:-1]):
        if not (isinstance(index, Number) and end.known is not None):
            result = Cases(Relation("<", index, reader.position(end)), formula, result)
    return result


MOVES: dict[str, Rule] = {
    "argmax": _first,
    "argmin": _first,
    "take_along": _take_along,
    "put_along": _put_along,
    "window_argmax": _window_argmax,
    "take_flat": _take_flat,
    "put_flat": _put_flat,
    "cumsum": _scan("Σ", "≤"),
    "cumprod": _scan("∏", "≤"),
    "exclusive_cumprod": _scan("∏", "<"),
    "linear_scan": _linear_scan,
    "flip": _flip,
    "roll": _roll,
    "pad": _pad,
    "concatenate": _concatenate,
}
