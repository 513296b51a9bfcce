"""The types of parts of arrays, as far as subscripts tell.

x[:, None]           real[N, D]     ->     real[N, 1, D]
z[t, :, H:2 * H]     real[T, B, 4*H]  ->   real[B, H]
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from autodiffc.compiler.types import Dim, Type

Sizes = Mapping[str, str]  # the variables of dims, and the dims
Order = tuple[int, ...] | None  # axes in the order of their memory; () for 0, 1, …; None where it isn't known


def part_type(
    whole: Type, index: ast.expr, sizes: Sizes, is_number: Callable[[ast.expr], bool]
) -> Type | None:
    """The type of `whole[index]`, of numbers, slices, None and `...`; None where that isn't known."""
    parts = list(index.elts) if isinstance(index, ast.Tuple) else [index]
    if not whole.rank or any(isinstance(p, ast.Starred) for p in parts):
        return None
    given = sum(not _is_none(part) and not _is_rest(part) for part in parts)
    left = list(whole.shape)
    shape: list[Dim] = []
    for part in [*parts, *([] if any(map(_is_rest, parts)) else [ast.Constant(...)])]:
        if _is_none(part):
            shape.append(Dim.of(1))
        elif _is_rest(part):
            count = whole.rank - given
            shape, left = [*shape, *left[:count]], left[count:]
        elif not left:
            return None
        elif isinstance(part, ast.Slice):
            size = _length(left.pop(0), part, sizes)
            if size is None:
                return None
            shape.append(size)
        elif is_number(part):
            left.pop(0)
        else:
            return None
    return whole.with_shape(tuple(shape))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_rest(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _length(size: Dim, part: ast.Slice, sizes: Sizes) -> Dim | None:
    """How long a slice is that surely lies within the size, or is the whole of it backwards."""
    if part.lower is part.upper is None and part.step is not None and number_of(part.step) == -1:
        return size
    start = Dim.of(0) if part.lower is None else dim_of(part.lower, sizes)
    stop = size if part.upper is None else _stop(size, part.upper, sizes)
    if part.step is not None or start is None or stop is None:
        return None
    lies_within = all(d.is_natural for d in (start, stop - start, size - stop))
    return stop - start if lies_within else None


def _stop(size: Dim, node: ast.expr, sizes: Sizes) -> Dim | None:
    """Where a slice ends, which may be counted from the end."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        back = dim_of(node.operand, sizes)
        return None if back is None else size - back
    return dim_of(node, sizes)


def dim_of(node: ast.expr, sizes: Sizes) -> Dim | None:
    """The dim that an expression of numbers and sizes stands for."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return Dim.of(node.value)
    if isinstance(node, ast.Name) and node.id in sizes:
        return Dim.symbol(sizes[node.id])
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
        left, right = dim_of(node.left, sizes), dim_of(node.right, sizes)
        if left is None or right is None:
            return None
        return {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right}[type(node.op)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        whole, parts = dim_of(node.left, sizes), number_of(node.right)
        return None if whole is None or not parts or parts < 1 else whole // parts
    return _at_least(node, sizes) if isinstance(node, ast.Call) else None


def _at_least(node: ast.Call, sizes: Sizes) -> Dim | None:
    """The dim that `max(T - 1, 0)` stands for."""
    if not isinstance(node.func, ast.Name) or node.func.id != "max" or len(node.args) != 2:
        return None
    size, least = dim_of(node.args[0], sizes), dim_of(node.args[1], sizes)
    return None if size is None or least is None else size.maximum(least)


def number_of(node: ast.expr) -> int | None:
    """The number that stands there, as -2 does."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        found = number_of(node.operand)
        return None if found is None else -found
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def reordered(order: Order, axes: Sequence[int]) -> Order:
    """The order of an array of which axis i is axis axes[i] of one in the order given."""
    if order is None:
        return None
    places = {axis: place for place, axis in enumerate(axes)}
    found = tuple(places[axis] for axis in order or range(len(axes)))
    return () if found == tuple(range(len(axes))) else found
