"""Windows that slide over the last axes of x[N, C, …]: what convolutions and pools are made of.

    ops.patches(x, kernel=(three, three), stride=(1, 1), padding=(one, one), dilation=(1, 1))

gives each element of each window, [C, *kernel, N, *places]: a convolution is one product with that (im2col;
Chellapilla, Puri & Simard, "High performance convolutional neural networks for document processing", 2006),
an average pool its mean. `fold` is the adjoint: it adds every element up where it came from. The two are all
that convolutions need of any order of derivative.

A window of k elements, each `dilation` from the next, spans d(k - 1) + 1; it is moved by `stride` over the
axis with `padding` zeros at either end, as often as it fits: what is left over at the end is in no window.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Node, Op, declare
from ..types import Dim, Shape, Type, TypeProblem, shape_text
from .base import COERCIONS
from .bounds import hull
from .shape import DimText, tuple_text

Steps = tuple[int, ...]
DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1}


def places_of(sizes: Shape, kernel: Shape, stride: Steps, padding: Shape, dilation: Steps) -> Shape:
    """How often a window fits along each axis."""
    return tuple(
        room_of(size, k, p, d) // s + 1 for size, k, s, p, d in zip(sizes, kernel, stride, padding, dilation)
    )


def room_of(size: Dim, kernel: Dim | int, padding: Dim | int, dilation: int) -> Dim:
    """By how much a window can be moved along an axis; negative where it doesn't fit."""
    return size + 2 * Dim.of(padding) - dilation * (Dim.of(kernel) - 1) - 1


SLIDING = frozenset(["patches", "window_argmax"])


def rooms(node: Node) -> Iterator[tuple[Dim, str]]:
    """By how much the windows of a node can be moved along each axis, and what does not fit if not at all."""
    steps = zip(node["kernel"], node["padding"], node["dilation"])
    for size, (kernel, padding, d) in zip(node.args[0].shape[2:], steps):
        span = d * (Dim.of(kernel) - 1) + 1
        yield room_of(size, kernel, padding, d), f"a window of {span} on an axis of {size}"
        if node.op.name == "window_argmax" and Dim.of(padding).known != 0 and d > 1:
            yield size - d, f"a padded window of elements {d} apart on an axis of {size}"


def _places(x: Type, kernel: Shape, attrs: dict[str, Any]) -> Shape:
    if x.rank != 2 + len(kernel):
        raise TypeProblem("E0203", f"windows of {shape_text(kernel)} in {x}")
    return places_of(x.shape[2:], tuple(map(Dim.of, kernel)), **attrs)


def window_attrs(node: Node) -> dict[str, Any]:
    """The attributes that say how the windows move."""
    return {name: node[name] for name in DEFAULTS}


def options_text(node: Node, d: DimText) -> str:
    """`, stride=(2, 2)`: the attributes that are not the default."""
    shown = {name: tuple(map(Dim.of, node[name])) for name in DEFAULTS}
    return "".join(
        f", {name}={tuple_text([d(dim) for dim in dims])}"
        for name, dims in shown.items()
        if any(dim.known != DEFAULTS[name] for dim in dims)
    )


# --- the reference: window by window, element by element -------------------------------------


def _elements(
    kernel: Steps, places: Steps, stride: Steps, dilation: Steps
) -> Iterator[tuple[tuple[int | slice, ...], tuple[int | slice, ...]]]:
    """Each element of each window: where it is among the patches, and where on the padded axes."""
    both = (slice(None), slice(None))
    for place in product(*map(range, places)):
        for k in product(*map(range, kernel)):
            at = (o * s + i * d for o, i, s, d in zip(place, k, stride, dilation))
            yield (slice(None), *k, slice(None), *place), (*both, *at)


def _patches_eval(x: Array, *, kernel: Steps, stride: Steps, padding: Steps, dilation: Steps) -> Array:
    wide = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    places = tuple((n - span) // s + 1 for n, span, s in zip(wide.shape[2:], spans, stride))
    out = np.zeros((x.shape[1], *kernel, x.shape[0], *places), x.dtype)
    for patch, at in _elements(kernel, places, stride, dilation):
        out[patch] = wide[at].T
    return out


def _fold_eval(g: Array, *, sizes: Steps, stride: Steps, padding: Steps, dilation: Steps) -> Array:
    axes = len(sizes)
    kernel, places = g.shape[1 : 1 + axes], g.shape[2 + axes :]
    wide = np.zeros((g.shape[1 + axes], g.shape[0], *(n + 2 * p for n, p in zip(sizes, padding))), g.dtype)
    for patch, at in _elements(kernel, places, stride, dilation):
        wide[at] += g[patch].T
    inside: tuple[Any, ...] = (..., *(slice(p, p + n) for n, p in zip(sizes, padding)))
    result: Array = wide[inside]
    return result


# --- the ops -------------------------------------------------------------------------------------


def _patches_infer(x: Type, *, kernel: Shape, **attrs: Any) -> Type:
    places = _places(x, kernel, attrs)
    return x.with_shape((x.shape[1], *map(Dim.of, kernel), x.shape[0], *places))


def _patches_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    return (ops.fold(g, sizes=x.shape[2:], **window_attrs(out)),)


def _patches_py(node: Node, d: DimText) -> str:
    kernel = tuple_text([d(Dim.of(k)) for k in node["kernel"]])
    return f"_patches(x, {kernel}{options_text(node, d)})"


patches = declare(
    Op(
        "patches",
        ("x",),
        "Every element of every window: [C, *kernel, N, *places] of x[N, C, …].",
        _patches_infer,
        _patches_eval,
        _patches_vjp,
        py=_patches_py,
        coerce=COERCIONS["number"],
        bounds=lambda x: hull(x, (0.0, 0.0)),
        linear="jointly",
    )
)


def _fold_infer(g: Type, *, sizes: Shape, **attrs: Any) -> Type:
    rank = len(sizes)
    kernel, count = g.shape[1 : 1 + rank], g.shape[1 + rank]
    result = g.with_shape((count, g.shape[0], *sizes))
    if g.shape[2 + rank :] != _places(result, kernel, attrs):
        raise TypeProblem("E0203", f"{g} are not the windows of {shape_text(sizes)}")
    return result


def _fold_vjp(h: Node, out: Node, g: Node) -> tuple[Node]:
    kernel = g.shape[1 : 1 + len(out["sizes"])]
    return (ops.patches(h, kernel=kernel, **window_attrs(out)),)


fold = declare(
    Op(
        "fold",
        ("g",),
        "Each element of each window added up at its place in x: the adjoint of patches.",
        _fold_infer,
        _fold_eval,
        _fold_vjp,
        py=lambda n, d: f"_fold(g, {tuple_text([d(Dim.of(s)) for s in n['sizes']])}{options_text(n, d)})",
        linear="jointly",
    )
)
