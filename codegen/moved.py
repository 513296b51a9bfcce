"""The types of what routines that move or reduce elements give, as far as their arguments tell.

_argmax(x, 1, keepdims=True)     x: real[N, D]     ->     int[N, 1]
_repeated(x, 3, 0)               x: real[N, D]     ->     real[3*N, D]
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator

from autodiffc.compiler.types import Dim, Shape, Type

from .subscripts import Sizes, dim_of, number_of

REDUCING = frozenset({"_argmax", "_argmin", "_norm", "_centred_squares", "_sum", "_mean"})
MOVED = REDUCING | {
    "_picked",
    "_labelled",
    "_take_along",
    "_repeated",
    "_tiled",
    "_with_rim",
    "_without_rim",
    "_diag",
}

SHAPED = frozenset({"empty", "zeros", "ones", "full", "eye"})  # functions of NumPy's that are given a shape


def shaped(node: ast.Call, sizes: Sizes) -> Type | None:
    """The type of reals that one of NumPy's functions makes of a shape."""
    assert isinstance(node.func, ast.Attribute)
    given, *others = [*node.args, *(k.value for k in node.keywords)]
    if any(isinstance(other, ast.Attribute) and other.attr in ("int64", "bool_") for other in others):
        return None
    parts = given.elts if isinstance(given, ast.Tuple) else [given] * (1 + (node.func.attr == "eye"))
    if node.func.attr == "eye" and len(node.args) > 1:
        parts = node.args[:2]
    dims = [dim_of(part, sizes) for part in parts]
    found = tuple(dim for dim in dims if dim is not None and dim.is_natural)
    return Type("real", found) if len(found) == len(dims) else None


def summed(node: ast.Call, type_of: Callable[[ast.expr], Type | None]) -> Type | None:
    """The type of np.einsum("ij,jk->ik", a, b), of reals."""
    spec = node.args[0].value if isinstance(node.args[0], ast.Constant) else ""
    terms, arrow, result = str(spec).partition("->")
    types = [type_of(operand) for operand in node.args[1:]]
    known = [type for type in types if type is not None and type.kind == "real"]
    letters = terms.split(",")
    if not arrow or len(known) < len(letters) or any(len(t) != k.rank for t, k in zip(letters, known)):
        return None
    sizes = {letter: size for term, type in zip(letters, known) for letter, size in zip(term, type.shape)}
    return Type("real", tuple(sizes[letter] for letter in result))


def joined(node: ast.Call, type_of: Callable[[ast.expr], Type | None]) -> Type | None:
    """The type of np.concatenate((a, b), axis=1), of reals."""
    parts = node.args[0].elts if isinstance(node.args[0], ast.Tuple) else []
    axis = number_of(node.keywords[0].value) if node.keywords else 0
    types = [type_of(part) for part in parts]
    known = [type for type in types if type is not None and type.kind == "real" and type.rank]
    if len(node.args) > 1 or not known or len(known) < len(types) or axis is None:
        return None
    if {t.rank for t in known} != {known[0].rank}:
        return None
    axis %= known[0].rank
    if len({_resized(type, axis, Dim.of(1)) for type in known}) > 1:
        return None
    return _resized(known[0], axis, sum((type.shape[axis] for type in known), Dim.of(0)))


def moved(node: ast.Call, type_of: Callable[[ast.expr], Type | None], sizes: Sizes) -> Type | None:
    """The type of a call to one of them."""
    assert isinstance(node.func, ast.Name)
    name, given = node.func.id, type_of(node.args[0])
    if given is None:
        return None
    if name in ("_picked", "_labelled"):
        places = type_of(node.args[1])
        return places and given.with_shape(places.shape)
    if name in REDUCING:
        options = {k.arg: k.value for k in node.keywords}
        axis = options.get("axis", node.args[1] if len(node.args) > 1 else None)
        found = reduced(given, axis, options.get("keepdims"))
        return found and (found.with_kind("int") if name.startswith("_arg") else found)
    if name == "_take_along":
        along = number_of(node.args[2])
        return None if along is None else _resized(given, along, Dim.of(1))
    return _copied(name, given, node.args[1:], sizes)


def _copied(name: str, given: Type, arguments: list[ast.expr], sizes: Sizes) -> Type | None:
    """The type of what holds elements several times, or once in more places."""
    if name == "_diag":
        n = given.shape[0] + abs((number_of(arguments[0]) if arguments else 0) or 0)
        return given.with_shape((n, n))
    if name == "_repeated":
        axis, times = number_of(arguments[1]), dim_of(arguments[0], sizes)
        return None if axis is None or times is None else _resized(given, axis, given.shape[axis] * times)
    sums = [number for number in _sums(arguments[0], sizes) if number is not None]
    if len(sums) != given.rank:
        return None
    changed = {"_tiled": operator.mul, "_with_rim": operator.add, "_without_rim": operator.sub}[name]
    shape = tuple(changed(size, number) for size, number in zip(given.shape, sums))
    return given.with_shape(shape) if all(size.is_natural for size in shape) else None


def _sums(node: ast.expr, sizes: Sizes) -> Iterator[Dim | None]:
    """The dims in a tuple; of pairs in it the sums."""
    for part in node.elts if isinstance(node, ast.Tuple) else ():
        dims = [dim_of(one, sizes) for one in (part.elts if isinstance(part, ast.Tuple) else (part,))]
        known = [dim for dim in dims if dim is not None]
        yield sum(known, Dim.of(0)) if len(known) == len(dims) else None


def reduced(given: Type, axis: ast.expr | None, keepdims: ast.expr | None) -> Type | None:
    """The type without some axes, or with these as 1; without all if none is named."""
    kept = isinstance(keepdims, ast.Constant) and bool(keepdims.value)
    if axis is None:
        axes = set(range(given.rank))
    else:
        parts = axis.elts if isinstance(axis, ast.Tuple) else [axis]
        numbers = [number_of(part) for part in parts]
        axes = {number % max(given.rank, 1) for number in numbers if number is not None}
        if len(axes) < len(parts):
            return None
    shape: Shape = tuple(
        Dim.of(1) if i in axes else size for i, size in enumerate(given.shape) if kept or i not in axes
    )
    return given.with_shape(shape)


def _resized(given: Type, axis: int, size: Dim) -> Type:
    return given.with_shape((*given.shape[:axis], size, *given.shape[axis + 1 :]))
