"""The arguments of a call as they mostly come, in one condition (-O2).

    type(x) is type(W) is ndarray and x.dtype is W.dtype is _FLOAT and W.shape == (3, 4) and x.shape == (3,)

A dtype is one object, and a type is too; who compares them so needs no call. What doesn't fit is left to
the checker: lists, ints in the place of reals, wrong shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from autodiffc.compiler.model import Argument
from autodiffc.compiler.types import Dim

from .context import PYTHON, Context
from .dimtext import dim_expr
from .pytext import ADD, tuple_of

DTYPES = {"real": "_FLOAT", "int": "_INT", "bool": "_BOOL"}


def good_path(context: Context, arguments: Sequence[Argument]) -> str:
    """The condition; '' where bounds have to be looked at too, or dims are not sizes of axes.

    Ranges of ints are left to `ranges`.
    """
    sizes = _sizes(context, arguments)
    if any(a.bounds for a in arguments) or sizes is None or _has_requirements(context, sizes):
        return ""
    arrays = [a for a in arguments if a.type.rank]
    kinds = [
        (f"type({context.local(a.name)})", "ndarray" if a.type.rank else PYTHON[a.type.kind])
        for a in arguments
    ]
    dtypes = [(f"{context.local(a.name)}.dtype", DTYPES[a.type.kind]) for a in arrays]
    for name in ("type", *(name for _, name in (*kinds, *dtypes))):
        context.ref(name)
    conditions = [*_chains(kinds, "is"), *_chains(dtypes, "is"), *_shapes(context, arrays, sizes)]
    return " and ".join(conditions)


def ranges(context: Context, arguments: Sequence[Argument]) -> Iterator[str]:
    """The checks of ints that are to be in a range, whatever they came as."""
    sizes = _sizes(context, arguments) or {}
    for argument in arguments:
        if argument.range is not None and all(d.symbols <= sizes.keys() for d in argument.range):
            name = context.local(argument.name)
            low, high = (
                dim_expr(d, lambda s: _size(context, *sizes[s]), context.ref) for d in argument.range
            )
            yield f'{context.ref("_range")}("{name}", {name}, {low}, {high})'


def _sizes(context: Context, arguments: Sequence[Argument]) -> dict[str, tuple[str, int]] | None:
    """The argument and the axis that each dim is read from; None where one is read otherwise."""
    found: dict[str, tuple[str, int]] = {}
    for argument in arguments:
        for axis, dim in enumerate(argument.type.shape):
            if len(dim.symbols) == 1 and dim == Dim.symbol(next(iter(dim.symbols))):
                found.setdefault(str(dim), (argument.name, axis))
    mentioned = {symbol for a in arguments for dim in a.type.shape for symbol in dim.symbols}
    return found if mentioned <= found.keys() else None


def _has_requirements(context: Context, sizes: dict[str, tuple[str, int]]) -> bool:
    """Whether the dims have to be such that slices and reshapes fit."""
    needs = (r.slack for r in context.program.requirements)
    return any(slack.symbols <= sizes.keys() and not slack.is_natural for slack in needs)


def _chains(tests: Iterable[tuple[str, str]], relation: str) -> Iterator[str]:
    """`a is b is C` of all that are to be C."""
    groups: dict[str, list[str]] = {}
    for left, right in tests:
        groups.setdefault(right, []).append(left)
    return (f" {relation} ".join([*left, right]) for right, left in groups.items())


def _shapes(context: Context, arrays: Sequence[Argument], sizes: dict[str, tuple[str, int]]) -> Iterator[str]:
    known = [a for a in arrays if all(dim.known is not None for dim in a.type.shape)]
    shapes = [
        (f"{context.local(a.name)}.shape", str(tuple_of([str(d) for d in a.type.shape]))) for a in known
    ]
    others = [a for a in arrays if a not in known]
    ranks = [(f"{context.local(a.name)}.ndim", str(a.type.rank)) for a in others]
    axes = [
        (_size(context, a.name, axis), _text(context, dim, sizes))
        for a in others
        for axis, dim in enumerate(a.type.shape)
        if sizes.get(str(dim)) != (a.name, axis)
    ]
    yield from (*_chains(shapes, "=="), *_chains(ranks, "=="), *_chains(axes, "=="))


def _size(context: Context, name: str, axis: int) -> str:
    local = context.local(name)
    return f"{local}.shape[{axis}]" if axis else f"{context.ref('len')}({local})"


def _text(context: Context, dim: Dim, sizes: dict[str, tuple[str, int]]) -> str:
    """A size in terms of those that dims are read from."""
    return dim_expr(dim, lambda s: _size(context, *sizes[s]), context.ref).within(ADD)
