"""Work on tiles: a region of a graph that runs on a few rows at a time, so that its arrays stay in the cache.

    L, d_x = tiled(x, y; body: (x_tile, y_tile) -> (the sum over the tile, the tile's rows of d_x))

becomes

    for tile in _tiles(N, 1):
        …
        L += …
        d_x[tile] = …

The body is a graph as that of a loop is: closed, its inputs what it is given, its outputs what it makes. In
it the axis that is cut has the size `TILE`. Its result is a tuple, of which `item` takes an element.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ..ir import Array, Graph, Node, NonDiff, Op, declare
from ..types import TUPLE, Dim, Type, TypeProblem
from .shape import DimText

TILE = Dim.symbol("_tile")  # no dim of a model is called so
PARTS = 3  # that the interpreter cuts an axis into
Axes = tuple["int | None", ...]


def resized(type_: Type, axis: int | None, size: Dim) -> Type:
    """The type with another size of an axis; as it is for None."""
    if axis is None:
        return type_
    return type_.with_shape((*type_.shape[:axis], size, *type_.shape[axis + 1 :]))


def _checked(type_: Type, axis: int | None, size: Dim) -> Type:
    """The type; TypeProblem unless this axis, and no other, has this size."""
    places = [i for i, dim in enumerate(type_.shape) if dim == size]
    if (axis is not None and axis not in places) or (size == TILE and len(places) != (axis is not None)):
        raise TypeProblem("E0203", f"{type_} has not the size {size} at the axis {axis}")
    return type_


def _infer(*x: Type, body: Graph, axes: Axes, rows: Axes, length: Dim, width: Dim, kept: int = 0) -> Type:
    if len(axes) != len(x) or len(rows) != len(body.outputs):
        raise TypeProblem("E0209", "an axis is stated for each operand and each result")
    given = tuple(resized(_checked(t, axis, length), axis, TILE) for t, axis in zip(x, axes))
    if tuple(node.type for node in body.inputs) != given:
        raise TypeProblem("E0209", "the inputs of a tile are not what it is given")
    results = (_checked(node.type, axis, TILE) for (_, node), axis in zip(body.outputs, rows))
    return Type(TUPLE, (), tuple(resized(t, axis, length) for t, axis in zip(results, rows)))


class Body(Protocol):
    """A body as the interpreter hands it on; called with the sizes of its own dims by name."""

    @property
    def types(self) -> Sequence[tuple[Any, tuple[int, ...]]]: ...

    def __call__(self, *x: Array, **sizes: int) -> tuple[Array, ...]: ...


def _eval(
    *x: Array, body: Body, axes: Axes, rows: Axes, length: int, width: int, kept: int = 0
) -> tuple[Array, ...]:
    step = max(1, -(-length // PARTS))
    results = [[np.zeros(shape, dtype)] for dtype, shape in body.types]
    for start in range(0, length, step):
        size = min(step, length - start)
        parts = [
            a if axis is None else np.asarray(a).take(range(start, start + size), axis)
            for a, axis in zip(x, axes)
        ]
        for found, part in zip(results, body(*parts, **{str(TILE): size})):
            found.append(part)
    return tuple(
        np.asarray(sum(found)) if axis is None else np.concatenate(found, axis)
        for found, axis in zip(results, rows)
    )


def _no_text(node: Node, d: DimText) -> str:
    raise TypeError("tiles are written as statements")


tiled = declare(
    Op(
        "tiled",
        ("*x",),
        "What the body makes of tiles: the sums of its results over all tiles, or their rows together.\n\n"
        "`axes` are the axes along which operands are cut (None: each tile gets all of it), `rows` those\n"
        "along which results are put together (None: they are added up). What is cut has the size `length`;\n"
        "`width` is how many numbers are in use at once for a row of a tile, `kept` for all of its rows:\n"
        "where it is 0, as many as is usual.",
        _infer,
        _eval,
        NonDiff("it is made after differentiation"),
        _no_text,
        work="control",
    )
)
