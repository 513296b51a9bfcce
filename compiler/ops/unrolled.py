"""Arrays as numbers, and numbers as arrays: where a small static array is computed element by element.

    whole = elements(x)           a tuple of the elements of x, in C order; `item` takes one
    packed(a, b, c, d, shape=(2, 2))

The pass `Unroll` makes them; nothing differentiates them.
"""

from __future__ import annotations

import numpy as np

from ..ir import Node, NonDiff, Op
from ..types import TUPLE, Dim, Shape, Type, size_of
from .shape import DimText


def _elements_infer(x: Type) -> Type:
    return Type(TUPLE, (), (x.with_shape(()),) * int(size_of(x.shape).known or 0))


def nested(items: list[str], shape: tuple[int, ...], brackets: str) -> str:
    """Items in C order in nested brackets: `[[a, b], [c, d]]`."""
    for size in reversed(shape):
        rows = [items[i : i + size] for i in range(0, len(items), size)]
        last = "," if size == 1 and brackets == "()" else ""
        items = [f"{brackets[0]}{', '.join(row)}{last}{brackets[1]}" for row in rows]
    return items[0]


def _packed_py(node: Node, d: DimText) -> str:
    dtype = {"real": "_REAL", "int": "np.int64", "bool": "np.bool_"}[node.type.kind]
    return f"np.array({nested(_operands(node), _sizes(node.shape), '[]')}, {dtype})"


def tuple_py(node: Node) -> str:
    """What packs numbers as tuples in one another, which `elements` are read from all the same."""
    return nested(_operands(node), _sizes(node.shape), "()")


def _operands(node: Node) -> list[str]:
    return [f"x{i}" for i in range(len(node.args))]


def _packed_fast(node: Node, d: DimText) -> str | None:
    """The numbers as bytes, written where the array keeps them: four times as fast as by lists."""
    if node.type.kind != "real":
        return None
    names = ", ".join(_operands(node))
    sizes = ", ".join(map(str, _sizes(node.shape)))
    shape = f"({sizes})" if node.rank > 1 else sizes
    return f"out = _empty({shape})\n_pack_{len(node.args)}(out, 0, {names})"


def _sizes(shape: Shape) -> tuple[int, ...]:
    return tuple(int(dim.known or 0) for dim in shape)


def _packed_infer(*x: Type, shape: Shape) -> Type:
    return x[0].with_shape(shape)


elements = Op(
    "elements",
    ("x",),
    "All elements of an array of known size.",
    _elements_infer,
    lambda x: tuple(np.asarray(x).ravel()),
    NonDiff("it is made after differentiation"),
    py="x.tolist()",
    work="move",
)

packed = Op(
    "packed",
    ("*x",),
    "An array of numbers, in C order.",
    _packed_infer,
    lambda *x, shape: np.array(x).reshape(shape),
    NonDiff("it is made after differentiation"),
    py=_packed_py,
    fast=_packed_fast,
    linear="jointly",
    work="move",
)


def pattern_of(names: list[str], shape: tuple[Dim, ...]) -> str:
    """What the elements of `x.tolist()` are assigned to: `(a, b), (c, d)`."""
    whole = nested(names, _sizes(shape), "()")
    return whole if len(names) == 1 else whole[1:-1]


def digits(place: tuple[int, ...], sizes: tuple[int, ...]) -> str:
    """The position of an element as part of a name: `01`, or `0_11` where there are more than ten."""
    return ("_" if max(sizes, default=0) > 10 else "").join(map(str, place))
