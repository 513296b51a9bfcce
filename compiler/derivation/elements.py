"""Ops element by element: for each the element at given indices, from elements of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import ops
from ..ir import Array, Node, const
from ..types import Dim, size_of
from .axes import pairs_of
from .reader import At, NeedsIndices, Reader, place, summed
from .tree import (
    ZERO,
    Between,
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
    Transpose,
    added,
    negated,
    quotient,
    substituted,
    times,
)

Rule = Callable[[Reader, Node, At], Formula]
ELEMENTS: dict[str, Rule] = {}


def _transpose(reader: Reader, node: Node, at: At) -> Formula:
    inner: list[Formula] = [ZERO] * node.rank
    for position, axis in enumerate(node["axes"]):
        inner[axis] = at[position]
    return reader.element(node.args[0], tuple(inner))


def _broadcast(reader: Reader, node: Node, at: At) -> Formula:
    return reader.element(node.args[0], reader.spread(node, node.args[0], at))


# --- reshape -------------------------------------------------------------------------------------


def _reshape(reader: Reader, node: Node, at: At) -> Formula:
    x = reader.resolved(node.args[0])
    pairs = pairs_of(node.shape, x.shape)
    inner: list[Formula] = [ZERO] * x.rank
    for new, old in pairs or ():
        if len(old) == 1 and len(new) == 1:
            inner[old[0]] = at[new[0]]
        elif len(old) == 1:
            inner[old[0]] = Merged(tuple(at[i] for i in new), tuple(node.shape[i] for i in new))
        else:
            index = at[new[0]]
            sizes = tuple(x.shape[i] for i in old)
            if not isinstance(index, Merged) or index.sizes != sizes:
                pairs = None
                break
            for position, part in zip(old, index.indices):
                inner[position] = part
    if pairs is None:
        text = f"({', '.join(map(str, node.shape))})"
        return Element(reader.function(node, (f"shape={text}",)), at) if at else reader.function(node)
    return reader.element(x, tuple(inner))


# --- products ------------------------------------------------------------------------------------


def _matmul(reader: Reader, node: Node, at: At) -> Formula:
    a, b = node.args
    if not at:
        try:
            return times(Transpose(reader.proper(a)), reader.proper(b), way="matrix")
        except NeedsIndices:
            pass
    dims = max(reader.splits(a, a.rank - 1), reader.splits(b, max(b.rank - 2, 0)), key=len)
    batch = at[: node.rank - (a.rank > 1) - (b.rank > 1)]
    row = at[len(batch) : len(batch) + 1] if a.rank > 1 else ()
    column = at[len(at) - 1 :] if b.rank > 1 else ()
    with reader.bound(dims) as indices:
        k: Formula = indices[0] if len(indices) == 1 else Merged(indices, dims)
        left = reader.element(a, (*_batch(node, a, batch), *row, k))
        right = reader.element(b, (*_batch(node, b, batch), k, *column))
        return summed(indices, times(left, right))


def _batch(node: Node, arg: Node, batch: At) -> At:
    own = batch[len(batch) - (arg.rank - 2) :] if arg.rank > 2 else ()
    return tuple(ZERO if d == Dim.of(1) else i for i, d in zip(own, arg.shape))


def _outer(reader: Reader, node: Node, at: At) -> Formula:
    a, b = node.args
    return times(reader.element(a, at[:1]), reader.element(b, at[1:]))


def _einsum(reader: Reader, node: Node, at: At) -> Formula:
    left, _, result = node["spec"].partition("->")
    terms = left.split(",")
    sizes = {c: d for term, x in zip(terms, node.args) for c, d in zip(term, x.shape)}
    free = [c for c in sizes if c not in result]
    with reader.bound([sizes[c] for c in free]) as indices:
        chosen: dict[str, Formula] = {**dict(zip(result, at)), **dict(zip(free, indices))}
        factors = [reader.element(x, tuple(chosen[c] for c in t)) for t, x in zip(terms, node.args)]
        return summed(indices, times(*factors))


def _tensordot(reader: Reader, node: Node, at: At) -> Formula:
    a, b = node.args
    first, second = node["axes"]
    with reader.bound([a.shape[i] for i in first]) as indices:
        own = iter(at)
        parts = []
        for x, axes in ((a, first), (b, second)):
            summed_at = dict(zip(axes, indices))
            parts.append(
                reader.element(x, tuple(summed_at[k] if k in summed_at else next(own) for k in range(x.rank)))
            )
        return summed(indices, times(*parts))


# --- reductions ----------------------------------------------------------------------------------


def _kept(node: Node, at: At) -> At:
    """The indices of the axes that are not reduced."""
    if not node["keepdims"]:
        return at
    return tuple(i for k, i in enumerate(at) if k not in node["axis"])


def _reduce(sign: str) -> Rule:
    return lambda reader, node, at: reader.total(node.args[0], node["axis"], _kept(node, at), sign)


def _mean(reader: Reader, node: Node, at: At) -> Formula:
    count = size_of([node.args[0].shape[a] for a in node["axis"]])  # type: ignore[arg-type]
    return quotient(reader.total(node.args[0], node["axis"], _kept(node, at)), reader.position(count))


def _logsumexp(reader: Reader, node: Node, at: At) -> Formula:
    x = node.args[0]
    with reader.bound([x.shape[a] for a in node["axis"]]) as indices:
        own = iter(_kept(node, at))
        chosen = dict(zip(node["axis"], indices))
        term = reader.element(x, tuple(chosen[k] if k in chosen else next(own) for k in range(x.rank)))
        return Call("log", (summed(indices, Call("exp", (term,))),))


def _norm(reader: Reader, node: Node, at: At) -> Formula:
    if at or node.get("ord") not in (None, 2):
        return reader.part(reader.function(node), at)
    return Between("‖", reader.operand(node.args[0]), "‖")


# --- picking -------------------------------------------------------------------------------------


def _picks(reader: Reader, node: Node, arrays: Sequence[Node], at: At) -> Formula | None:
    """The element of x at the place that an index gives for the indices of the result."""
    x, index = node.args[0], node["index"]
    advanced = [i for i, item in enumerate(index) if item[0] == "array" or (arrays and item[0] == "at")]
    picked = max((a.rank for a in arrays), default=0)
    front = bool(advanced) and advanced[-1] - advanced[0] + 1 != len(advanced)
    rest = list(at)
    taken = tuple(rest[:picked]) if front else ()
    rest = rest[picked:] if front else rest
    inner: list[Formula] = []
    for position, item in enumerate(index):
        if advanced and not front and position == advanced[0]:
            taken, rest = tuple(rest[:picked]), rest[picked:]
        if item[0] == "new":
            rest.pop(0)
        elif item[0] == "slice":
            inner.append(place(rest.pop(0), item[1], item[3]))
        elif item[0] == "at":
            inner.append(reader.position(item[1]))
        else:
            array = arrays[item[1]]
            inner.append(reader.element(array, taken[len(taken) - array.rank :]))
    return reader.element(x, tuple(inner))


def _gather(reader: Reader, node: Node, at: At) -> Formula:
    formula = _picks(reader, node, node.args[1:], at)
    assert formula is not None
    return formula


def _scattered(
    reader: Reader, g: Node, arrays: Sequence[Node], index: Sequence[tuple[Any, ...]], at: At
) -> Formula | None:
    """Σ over what is picked of 1[it is picked here] g; None where a stride has to be undone."""
    picks = tuple(a for a in arrays)
    rank = max((a.rank for a in picks), default=0)
    dims = next((a.shape for a in picks if a.rank == rank), ())
    if rank == 1:  # rows that a reshape has made of several axes
        dims = max((reader.splits(a, 0) for a in picks), key=len)
    advanced = [i for i, item in enumerate(index) if item[0] == "array" or (picks and item[0] == "at")]
    front = bool(advanced) and advanced[-1] - advanced[0] + 1 != len(advanced)
    with reader.bound(dims) as indices:
        solved: dict[Formula, Formula] = {}
        conditions: list[Formula] = []
        merged = rank == 1 and len(dims) > 1
        picked: At = (Merged(indices, dims),) if merged else indices
        own: list[Formula] = list(picked) if front else []
        axes = iter(at)
        for position, item in enumerate(index):
            if advanced and not front and position == advanced[0]:
                own.extend(picked)
            if item[0] == "new":
                own.append(ZERO)
                continue
            here = next(axes)
            if item[0] == "slice":
                _, start, length, step = item
                if step != 1:
                    return None
                assert isinstance(start, Dim)
                assert isinstance(length, Dim)
                own.append(place(here, -start))
                conditions.extend(_within(reader, here, start, length))
            elif item[0] == "at":
                conditions.append(Relation("=", here, reader.position(item[1])))  # type: ignore[arg-type]
            else:
                array = picks[item[1]]  # type: ignore[index]
                value = reader.element(array, picked[len(picked) - array.rank :])
                if not _solve(value, here, indices, solved):
                    conditions.append(Relation("=", value, here))
        term = reader.element(g, tuple(own) if g.rank else ())
        if conditions:
            both = conditions[0] if len(conditions) == 1 else Logic("and", tuple(conditions))
            term = times(term, Indicator(both))
        left = tuple(i for i in indices if i not in solved)
        return summed(left, substituted(term, solved))


def _solve(value: Formula, here: Formula, indices: Sequence[Formula], solved: dict[Formula, Formula]) -> bool:
    """Whether `value = here` says what some of the indices are; notes it."""
    if isinstance(value, Index) and value in indices and value not in solved:
        solved[value] = here
        return True
    if isinstance(value, Merged) and isinstance(here, Merged) and value.sizes == here.sizes:
        if all(i in indices and i not in solved for i in value.indices):
            solved.update(zip(value.indices, here.indices))
            return True
    return False


def _within(reader: Reader, here: Formula, start: Dim, length: Dim) -> list[Formula]:
    """That an index is in a slice; nothing where the slice is the whole axis."""
    size = here.size if isinstance(here, Index) else None
    conditions: list[Formula] = []
    if start != Dim.of(0):
        conditions.append(Relation("≥", here, reader.position(start)))
    if size is None or start + length != size:
        conditions.append(Relation("<", here, reader.position(start + length)))
    return conditions if start != Dim.of(0) or size is None or length != size else []


def _put(reader: Reader, node: Node, at: At) -> Formula:
    formula = _scattered(reader, node.args[0], node.args[1:], node["index"], at)
    return reader.part(reader.function(node), at) if formula is None else formula


def _decrement(reader: Reader, node: Node, at: At) -> Formula:
    p, *arrays = node.args
    index = tuple(("array", k) for k in range(len(arrays)))
    ones = _scattered(reader, const(1.0), arrays, index, at)
    assert ones is not None
    return added(reader.element(p, at), negated(ones))


def _add_at(reader: Reader, node: Node, at: At) -> Formula:
    a, v, *arrays = node.args
    more = _scattered(reader, v, arrays, node["index"], at)
    if more is None:
        return reader.part(reader.function(node), at)
    return added(reader.element(a, at), more)


def _set_at(reader: Reader, node: Node, at: At) -> Formula:
    a, v, *arrays = node.args
    condition, place_of_v = _spot(reader, arrays, node["index"], at)
    if condition is None:
        return reader.part(reader.function(node), at)
    return Cases(condition, reader.element(v, place_of_v), reader.element(a, at))


def _spot(
    reader: Reader, arrays: Sequence[Node], index: Sequence[tuple[Any, ...]], at: At
) -> tuple[Formula | None, At]:
    """When an element is one that an index of single positions picks, and which; None for others."""
    conditions: list[Formula] = []
    rest: list[Formula] = []
    axes = iter(at)
    for item in index:
        here = ZERO if item[0] == "new" else next(axes)
        if item[0] == "new":
            rest.append(ZERO)
        elif item[0] == "at":
            conditions.append(Relation("=", here, reader.position(item[1])))
        elif item[0] == "array" and not arrays[item[1]].rank:
            conditions.append(Relation("=", here, reader.element(arrays[item[1]], ())))
        elif item[0] == "slice" and item[3] == 1:
            rest.append(place(here, -item[1]))
            conditions.extend(_within(reader, here, item[1], item[2]))
        else:
            return None, ()
    if len(conditions) > 1:
        return Logic("and", tuple(conditions)), tuple(rest)
    return (conditions[0] if conditions else Relation("=", ZERO, ZERO)), tuple(rest)


def _one_hot(reader: Reader, node: Node, at: At) -> Formula:
    return Indicator(Relation("=", reader.element(node.args[0], at[:-1]), at[-1]))


def _cross_entropy(reader: Reader, node: Node, at: At) -> Formula:
    x, y = node.args
    shares = Call("log softmax", (reader.operand(x),), (), _log_softmax)
    return negated(Element(shares, (*at, reader.element(y, at))))


def _log_softmax(sizes: object, x: Array) -> object:
    return ops.log_softmax.eval(x, axis=x.ndim - 1)


# --- positions -----------------------------------------------------------------------------------


def _arange(reader: Reader, node: Node, at: At) -> Formula:
    return place(at[0], node["start"], node["step"])


def _eye(reader: Reader, node: Node, at: At) -> Formula:
    return Indicator(Relation("=", place(at[0], Dim.of(node["k"])), at[1]))


def _diagonal(reader: Reader, node: Node, at: At) -> Formula:
    k = node["k"]
    row, column = place(at[-1], Dim.of(max(-k, 0))), place(at[-1], Dim.of(max(k, 0)))
    return reader.element(node.args[0], (*at[:-1], row, column))


def _put_diagonal(reader: Reader, node: Node, at: At) -> Formula:
    if node["k"] != 0:
        return reader.part(reader.function(node), at)
    same = Indicator(Relation("=", at[-2], at[-1]))
    return times(reader.element(node.args[0], at[:-1]), same)


def _band(sign: str) -> Rule:
    def rule(reader: Reader, node: Node, at: At) -> Formula:
        inside = Relation(sign, at[-1], place(at[-2], Dim.of(node["k"])))
        return times(reader.element(node.args[0], at), Indicator(inside))

    return rule


def _stack(reader: Reader, node: Node, at: At) -> Formula:
    axis = node["axis"]
    rest = (*at[:axis], *at[axis + 1 :])
    if isinstance(at[axis], Number):
        return reader.element(node.args[int(at[axis].value)], rest)  # type: ignore[attr-defined]
    result = reader.element(node.args[-1], rest)
    for k in reversed(range(len(node.args) - 1)):
        result = Cases(Relation("=", at[axis], Number(float(k))), reader.element(node.args[k], rest), result)
    return result


def _flip(reader: Reader, node: Node, at: At) -> Formula:
    turned = [
        added(reader.position(node.shape[k] - 1), negated(i)) if k in node["axis"] else i
        for k, i in enumerate(at)
    ]
    return reader.element(node.args[0], tuple(turned))


def _zeros(reader: Reader, node: Node, at: At) -> Formula:
    return ZERO


ELEMENTS.update(
    {
        "transpose": _transpose,
        "broadcast_to": _broadcast,
        "reshape": _reshape,
        "matmul": _matmul,
        "outer": _outer,
        "einsum": _einsum,
        "contract": _einsum,
        "tensordot": _tensordot,
        "sum": _reduce("Σ"),
        "prod": _reduce("∏"),
        "max": _reduce("max"),
        "min": _reduce("min"),
        "mean": _mean,
        "logsumexp": _logsumexp,
        "norm": _norm,
        "gather": _gather,
        "getitem": _gather,
        "put": _put,
        "scatter_add": _put,
        "add_at": _add_at,
        "set_at": _set_at,
        "decrement": _decrement,
        "one_hot": _one_hot,
        "cross_entropy": _cross_entropy,
        "arange": _arange,
        "eye": _eye,
        "diagonal": _diagonal,
        "put_diagonal": _put_diagonal,
        "diag": _put_diagonal,
        "tril": _band("≤"),
        "triu": _band("≥"),
        "stack": _stack,
        "flip": _flip,
        "zeros_like": _zeros,
    }
)
