"""Ops element by element: for each the element at given indices, from elements of its arguments."""

from __future__ import annotations

from collections.abc import Callable

from .. import ops
from ..ir import Array, Node
from ..types import Dim, size_of
from .algebra import negated, quotient, times
from .axes import pairs_of
from .moves import MOVES
from .picking import PICKING
from .places import At, place
from .reader import NeedsIndices, Reader
from .sums import summed
from .tree import (
    ZERO,
    Between,
    Call,
    Cases,
    Element,
    Formula,
    Indicator,
    Merged,
    Number,
    Relation,
    Root,
    Transpose,
)
from .windows import WINDOWS

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
    count = size_of(tuple(node.args[0].shape[a] for a in node["axis"]))
    return quotient(reader.total(node.args[0], node["axis"], _kept(node, at)), reader.position(count))


def _logsumexp(reader: Reader, node: Node, at: At) -> Formula:
    x = node.args[0]
    with reader.bound([x.shape[a] for a in node["axis"]]) as indices:
        own = iter(_kept(node, at))
        chosen = dict(zip(node["axis"], indices))
        term = reader.element(x, tuple(chosen[k] if k in chosen else next(own) for k in range(x.rank)))
        return Call("log", (summed(indices, Call("exp", (term,))),))


def _norm(reader: Reader, node: Node, at: At) -> Formula:
    x, axes = node.args[0], node["axis"]
    if node.get("ord") not in (None, 2):
        return reader.part(reader.function(node), at)
    if axes == tuple(range(x.rank)):
        return Between("‖", reader.operand(x), "‖")
    if axes == (x.rank - 1,):
        return Between("‖", Element(reader.operand(x), _kept(node, at)), "‖")
    return Root(reader.total(ops.square(x), axes, _kept(node, at)))


# --- positions -----------------------------------------------------------------------------------


def _one_hot(reader: Reader, node: Node, at: At) -> Formula:
    return Indicator(Relation("=", reader.element(node.args[0], at[:-1]), at[-1]))


def _cross_entropy(reader: Reader, node: Node, at: At) -> Formula:
    x, y = node.args
    shares = Call("log softmax", (reader.operand(x),), (), _log_softmax)
    return negated(Element(shares, (*at, reader.element(y, at))))


def _log_softmax(sizes: object, x: Array) -> object:
    return ops.log_softmax.eval(x, axis=x.ndim - 1)


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
        return reader.element(node.args[int(at[axis].value)], rest)
    result = reader.element(node.args[-1], rest)
    for k in reversed(range(len(node.args) - 1)):
        result = Cases(Relation("=", at[axis], Number(float(k))), reader.element(node.args[k], rest), result)
    return result


def _zeros(reader: Reader, node: Node, at: At) -> Formula:
    return ZERO


ELEMENTS.update(PICKING)
ELEMENTS.update(WINDOWS)
ELEMENTS.update(MOVES)
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
        "zeros_like": _zeros,
    }
)
