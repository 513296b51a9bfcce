"""The types of what routines on windows give, as far as their arguments tell.

_patches(x, (3, 3), padding=(1, 1))     x: real[N, C, H, W]     ->     real[C, 3, 3, N, H, W]
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from autodiffc.compiler.ops.windows import places_of
from autodiffc.compiler.types import Dim, Shape, Type

from .subscripts import Sizes, dim_of

WINDOWED = frozenset({"_patches", "_fold", "_window_max", "_window_argmax"})


def windowed(node: ast.Call, type_of: Callable[[ast.expr], Type | None], sizes: Sizes) -> Type | None:
    """The type of a call to one of them."""
    assert isinstance(node.func, ast.Name)
    array, second = node.args[:2]
    given, steps = type_of(array), _dims(second, sizes)
    if given is None or steps is None:
        return None
    if node.func.id == "_fold":
        return given.with_shape((given.shape[1 + len(steps)], given.shape[0], *steps))
    options = {k.arg: _dims(k.value, sizes) for k in node.keywords}
    stride, dilation = (
        _numbers(options.get(name, (Dim.of(1),) * len(steps))) for name in ("stride", "dilation")
    )
    padding = options.get("padding", (Dim.of(0),) * len(steps))
    if stride is None or dilation is None or padding is None:
        return None
    places = places_of(given.shape[2:], steps, stride, padding, dilation)
    if node.func.id == "_patches":
        return given.with_shape((given.shape[1], *steps, given.shape[0], *places))
    found = given.with_shape((*given.shape[:2], *places))
    return found.with_kind("int") if node.func.id == "_window_argmax" else found


def _dims(node: ast.expr, sizes: Sizes) -> Shape | None:
    """The sizes in a tuple."""
    if not isinstance(node, ast.Tuple):
        return None
    found = [dim_of(part, sizes) for part in node.elts]
    known = tuple(size for size in found if size is not None)
    return known if len(known) == len(found) else None


def _numbers(dims: Shape | None) -> tuple[int, ...] | None:
    known = tuple(dim.known for dim in dims or () if dim.known is not None)
    return known if dims is not None and len(known) == len(dims) else None
